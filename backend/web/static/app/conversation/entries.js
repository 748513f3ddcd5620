import { html } from '../preact.js';
import { formatDay, t } from '../text.js';
import { MessageArticle } from './message.js';

const TOGETHER = 5 * 60_000;

/**
 * The elements of a list of messages, with the lines between days and before the first unread one. An element is made anew only
 * if something of it has changed: the same one costs nothing to render again.
 */
export class Entries {
  /** @type {Map<number, {props: any, element: any}>} */
  #made = new Map();

  /**
   * @param {any[]} messages
   * @param {{place: any, unreadFrom?: number, activeIds: (number | null)[], editingId: number | null, highlightedId?: number | null,
   *   readers?: Map<number, string>}} state
   */
  of(messages, { place, unreadFrom, activeIds, editingId, highlightedId, readers }) {
    const before = this.#made;
    const replied = lastReplies(messages);
    this.#made = new Map();
    let previous = null;
    return messages.flatMap((message) => {
      const isNewDay = !previous || dayOf(previous) !== dayOf(message);
      const isFirstUnread = message.seq === unreadFrom;
      const props = {
        message,
        place,
        isJoined: !isNewDay && !isFirstUnread && isTogether(previous, message),
        isActive: activeIds.includes(message.id),
        isEditing: editingId === message.id,
        isHighlighted: highlightedId === message.id,
        lastReplyAt: replied.get(message.id),
        readers: readers?.get(message.seq),
      };
      previous = message;
      const made = before.get(message.id);
      const isSame = made && Object.keys(props).every((name) => made.props[name] === props[name]);
      const element = isSame ? made.element : html`<${MessageArticle} key=${message.id} ...${props} />`;
      this.#made.set(message.id, { props, element });
      if (!isNewDay && !isFirstUnread) return element;
      return [
        isNewDay && html`<div class="day" key=${`day ${dayOf(message)}`}><span>${formatDay(message.created_at)}</span></div>`,
        isFirstUnread && html`<div class="unread-line" key="unread"><span>${t('conversation.unread')}</span></div>`,
        element,
      ];
    });
  }
}

/** @type {WeakMap<object, string>} */
const days = new WeakMap();

function dayOf(message) {
  let day = days.get(message);
  if (!day) {
    day = new Date(message.created_at).toDateString();
    days.set(message, day);
  }
  return day;
}

/** Whether a message stands under the name of the one before. */
function isTogether(before, message) {
  return (
    before.sender_id === message.sender_id &&
    before.parent_id === message.parent_id &&
    Date.parse(message.created_at) - Date.parse(before.created_at) < TOGETHER
  );
}

/** When the last reply to each message was written, of those at hand. */
function lastReplies(messages) {
  return new Map(messages.filter((each) => each.parent_id && !each.deleted_at).map((each) => [each.parent_id, each.created_at]));
}

/**
 * Who has read up to which of these messages: ids with commas, by seq.
 * @param {any[]} messages @param {Record<number, number>} marks the last seq that each has read @param {number} ownId
 */
export function readersOf(messages, marks, ownId) {
  const found = new Map();
  if (!messages.length) return found;
  const own = new Map(messages.map((message) => [message.sender_id, message.seq]));
  for (const [key, mark] of Object.entries(marks)) {
    const id = Number(key);
    const seq = Math.max(mark, own.get(id) ?? 0);
    if (id === ownId || seq < messages[0].seq) continue;
    const last = messages.findLast((message) => message.seq <= seq);
    // One's own message shows that one was there.
    if (last.sender_id !== id) found.set(last.seq, found.has(last.seq) ? `${found.get(last.seq)},${id}` : key);
  }
  return found;
}
