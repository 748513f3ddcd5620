import { html } from '../preact.js';
import { t } from '../text.js';
import { Button } from './button.js';
import { errorText } from './errors.js';
import { Icon } from './icon.js';

/** What is shown where there is nothing to show: why, and what to do. */
export function Empty({ icon, title, text, children, isSmall = false }) {
  return html`<div class=${`empty ${isSmall ? 'empty-small' : ''}`}>
    ${icon && html`<div class="empty-icon"><${Icon} name=${icon} /></div>`}
    <h2 class="empty-title">${title}</h2>
    ${text && html`<p class="empty-text">${text}</p>`} ${children && html`<div class="empty-actions">${children}</div>`}
  </div>`;
}

/** Shown while something is loaded. It appears after a moment, so that fast answers do not flicker. */
export function Loading({ label = t('state.loading') }) {
  return html`<div class="loading" role="status"><span class="spinner" aria-hidden="true"></span><span class="loading-label">${label}</span></div>`;
}

/** What went wrong, in the server's words, and a way to try again. */
export function Failure({ error, retry, isSmall = true }) {
  const isNetwork = error?.code === 'network';
  return html`<${Empty}
    icon=${isNetwork ? 'cloud-off' : 'alert'}
    title=${t(isNetwork ? 'error.network.title' : 'error.title')}
    text=${errorText(error)}
    isSmall=${isSmall}
  >
    ${retry && html`<${Button} onClick=${retry}>${t('action.retry')}<//>`}
  <//>`;
}
