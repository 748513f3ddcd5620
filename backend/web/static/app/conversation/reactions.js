import { me } from '../chat.js';
import { nameOf, person } from '../people.js';
import { html, signal } from '../preact.js';
import { formatList, formatNumber, t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { toastError } from '../ui/toast.js';
import { reacting } from './local-state.js';

const NAMED = 12;

/**
 * What the user has chosen and the server has not confirmed yet: for each message, whether they react with an emoji.
 * @type {{value: Map<number, Map<string, boolean>>, peek: () => Map<number, Map<string, boolean>>}}
 */
const chosen = signal(new Map());

/** @param {number} messageId @param {string} emoji @param {boolean} [isWanted] nothing when the server has confirmed or refused it */
function choose(messageId, emoji, isWanted) {
  const ofMessage = new Map(chosen.peek().get(messageId));
  if (isWanted === undefined) ofMessage.delete(emoji);
  else ofMessage.set(emoji, isWanted);
  const next = new Map(chosen.peek());
  if (ofMessage.size) next.set(messageId, ofMessage);
  else next.delete(messageId);
  chosen.value = next;
}

/** The reactions to a message, with what the user has chosen since. */
function reactionsOf({ id, reactions }) {
  const ofMessage = chosen.value.get(id);
  if (!ofMessage) return reactions;
  const ownId = me.value?.id;
  const shown = new Map(reactions.map((reaction) => [reaction.emoji, reaction]));
  for (const [emoji, isWanted] of ofMessage) {
    const others = (shown.get(emoji)?.user_ids ?? []).filter((each) => each !== ownId);
    const ids = isWanted ? [...others, ownId] : others;
    shown.set(emoji, { emoji, count: ids.length, user_ids: ids });
  }
  return [...shown.values()].filter(({ count }) => count);
}

/** The reactions to a message. A press adds one's own, or takes it back. Shows nothing where there are none. */
export function Reactions({ message, place }) {
  const reactions = reactionsOf(message);
  if (!reactions.length) return null;
  return html`<div class="reactions">
    ${reactions.map((reaction) => html`<${Reaction} key=${reaction.emoji} reaction=${reaction} message=${message} place=${place} />`)}
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

/** Add the user's reaction, or take it back. It is shown at once; the server gets the last choice of several. */
export async function toggleReaction(message, { conversation }, emoji) {
  const { id } = message;
  const ownId = me.peek()?.id;
  const choice = () => chosen.peek().get(id)?.get(emoji);
  const isUnderWay = choice() !== undefined;
  choose(id, emoji, !reactionsOf(message).some((each) => each.emoji === emoji && each.user_ids.includes(ownId)));
  if (isUnderWay) return;
  try {
    for (let sent; sent !== choice(); ) {
      sent = choice();
      await (sent ? conversation.react(id, emoji) : conversation.unreact(id, emoji));
    }
  } catch (error) {
    toastError(error);
  } finally {
    choose(id, emoji);
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
