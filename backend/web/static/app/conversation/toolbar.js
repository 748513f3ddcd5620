import { html } from '../preact.js';
import { t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { Menu } from '../ui/menu.js';
import { menuItems, openThread } from './actions.js';
import { startEdit } from './local-state.js';
import { permissions } from './place.js';
import { moveAlong, QUICK } from './quick-reactions.js';
import { chooseReaction, toggleReaction } from './reactions.js';

/** What can be done with a message, at its corner while it is pointed at or has the focus. */
export function MessageToolbar({ message, place }) {
  const { mayReact, mayReply, mayEdit } = permissions(message, place);
  const items = menuItems(message, place);
  if (!items.length) return null;
  const onKeyDown = (event) => {
    if (event.key === 'Escape') event.currentTarget.closest('article').focus();
    else return moveAlong(event);
    event.stopPropagation();
  };
  return html`<div class="message-toolbar" role="toolbar" aria-label=${t('message.actions')} onKeyDown=${onKeyDown}>
    ${
      mayReact &&
      html`<button
          type="button"
          class="icon-button icon-button-small"
          tabindex="-1"
          aria-label=${t('reaction.with', { emoji: QUICK[0] })}
          data-tip=${t('reaction.with', { emoji: QUICK[0] })}
          onClick=${() => toggleReaction(message, place, QUICK[0])}
        >
          ${QUICK[0]}
        </button>
        <${IconButton}
          icon="smile"
          size="small"
          tabindex="-1"
          label=${t('reaction.add')}
          onClick=${(event) => chooseReaction(event.currentTarget, message, place)}
        />`
    }
    ${
      mayReply &&
      !place.isThread &&
      html`<${IconButton} icon="thread" size="small" tabindex="-1" label=${t('message.reply')} onClick=${() => openThread(message)} />`
    }
    ${mayEdit && html`<${IconButton} icon="edit" size="small" tabindex="-1" label=${t('action.edit')} onClick=${() => startEdit(message, place.isThread)} />`}
    <${Menu}
      label=${t('message.actions')}
      items=${items}
      button=${(props) => html`<${IconButton} icon="more" size="small" class="message-more" tabindex="-1" label=${t('action.more')} ...${props} />`}
    />
  </div>`;
}
