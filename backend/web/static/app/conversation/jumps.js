import { html } from '../preact.js';
import { formatNumber, t } from '../text.js';
import { Icon } from '../ui/icon.js';

/** The ways to the first unread message and to the present, while they are out of view. */
export function Jumps({ timeline }) {
  const { isAway, count } = timeline.below.value;
  return html`<div class="jumps">
    ${
      timeline.isUnreadAbove.value &&
      html`<button type="button" class="jump jump-unread" onClick=${timeline.showUnread}><${Icon} name="up" />${t('jump.unread')}</button>`
    }
    ${
      isAway &&
      html`<button
        type="button"
        class="jump jump-present"
        aria-label=${count ? t('jump.present-new', { count }) : t('jump.present')}
        title=${t('jump.present')}
        onClick=${timeline.showPresent}
      >
        <${Icon} name="down" />${count > 0 && html`<span class="badge">${formatNumber(count)}</span>`}
      </button>`
    }
  </div>`;
}
