// The client of the server. It does all talking to the server; the page shows its values.

import { Confab } from '../confab.js';
import { computed, signal } from './preact.js';

export { ApiError } from '../confab.js';

export const chat = new Confab();
export const { api } = chat;

/** @type {WeakMap<object, import('../vendor/signals-core.js').Signal>} */
const signals = new WeakMap();

/** The signal that follows a value of the library, always the same one for the same value. */
export function signalOf(value) {
  let found = signals.get(value);
  if (!found) {
    found = signal(value.value);
    signals.set(value, found);
    value.subscribe((now) => {
      found.value = now;
    });
  }
  return found;
}

/** How the client stands: `{status, retryAt, reason}`. */
export const state = signalOf(chat.state);
/** The signed-in user, or null. */
export const me = signalOf(chat.user);
/** The rows of the inbox, last activity first. */
export const inbox = signalOf(chat.inbox);

const onlineIds = signalOf(chat.online);
/** The ids of the users who are online, as a Set. */
export const online = computed(() => new Set(onlineIds.value));

/** The signals of a conversation: `messages`, `members`, `typing`, `readers`, `outbox` and `info`, the row of the inbox. */
export function conversationSignals(id) {
  const conversation = chat.conversation(id);
  return {
    conversation,
    info: signalOf(conversation.info),
    messages: signalOf(conversation.messages),
    members: signalOf(conversation.members),
    typing: signalOf(conversation.typing),
    readers: signalOf(conversation.readers),
    outbox: signalOf(conversation.outbox),
  };
}
