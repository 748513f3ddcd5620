import { me } from '../chat.js';
import { nameOf, person } from '../people.js';
import { html } from '../preact.js';
import { formatList, formatNumber, t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { toastError } from '../ui/toast.js';
import { reacting } from './local-state.js';

const NAMED = 12;

/** The reactions to a message. A press adds one's own, or takes it back. */
export function Reactions({ message, place }) {
  return html`<div class="reactions">
    ${message.reactions.map((reaction) => html`<${Reaction} key=${reaction.emoji} reaction=${reaction} message=${message} place=${place} />`)}
    <${IconButton}
      icon="smile"
      size="small"
      class="reaction-add"
      tabindex="-1"
      label=${t('reaction.add')}
      onClick=${(event) => chooseReaction(event.currentTarget, message, place)}
    />
  </div>`;
}

function Reaction({ reaction, message, place }) {
  const { emoji, count, user_ids: ids } = reaction;
  const ownId = me.value?.id;
  const isOwn = ids.includes(ownId);
  const names = ids.slice(0, NAMED).map((id) => (id === ownId ? t('reaction.you') : nameOf(person(id).value)));
  const text = t('reaction.by', { emoji, names: formatList(names), count });
  return html`<button
    type="button"
    class="reaction"
    tabindex="-1"
    aria-pressed=${isOwn}
    aria-label=${text}
    title=${text}
    onClick=${() => toggleReaction(message, place, emoji)}
  >
    <span class="reaction-emoji">${emoji}</span>${' '}${formatNumber(count)}
  </button>`;
}

/** Add the user's reaction, or take it back. */
export async function toggleReaction(message, { conversation }, emoji) {
  const ownId = me.peek()?.id;
  const isOwn = message.reactions.some((each) => each.emoji === emoji && each.user_ids.includes(ownId));
  try {
    await (isOwn ? conversation.unreact(message.id, emoji) : conversation.react(message.id, emoji));
  } catch (error) {
    toastError(error);
  }
}

/** Let the user choose an emoji, and react with it. @param {HTMLElement} anchor */
export async function chooseReaction(anchor, message, place) {
  reacting.value = message.id;
  try {
    const { openQuickReactions } = await import('./quick-reactions.js');
    const emoji = await openQuickReactions(anchor);
    if (emoji) await toggleReaction(message, place, emoji);
  } catch (error) {
    toastError(error);
  } finally {
    reacting.value = null;
  }
}
