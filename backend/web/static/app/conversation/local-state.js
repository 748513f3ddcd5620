import { me } from '../chat.js';
import { signal } from '../preact.js';

// What this page alone knows of messages.

/** The ids of the messages that are not shown, because the user deleted them. */
export const deleted = signal(new Set());

/** The id of the message for which an emoji is being chosen, or null: its toolbar stays meanwhile. */
export const reacting = signal(null);

/** The message that is being edited, or null: its id, and whether in the panel of a thread, because it may stand in both places. */
export const editing = signal(null);

/** The id of the message that is being edited in the conversation or in the panel of a thread, or null. @param {boolean} isThread */
export const editedIn = (isThread) => (editing.value?.isThread === isThread ? editing.value.id : null);

/** Edit a message where it stands. @param {{id: number}} message @param {boolean} isThread */
export function startEdit({ id }, isThread) {
  editing.value = { id, isThread };
}

/** Edit the user's last message of a list, where there is one. @param {any[]} messages oldest first @param {boolean} isThread */
export function startEditLast(messages, isThread) {
  const own = messages.findLast((message) => message.sender_id === me.peek()?.id && !message.deleted_at);
  if (!own) return false;
  startEdit(own, isThread);
  return true;
}
