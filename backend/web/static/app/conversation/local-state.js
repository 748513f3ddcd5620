import { me } from '../chat.js';
import { signal } from '../preact.js';

// What this page alone knows of messages.

/** The ids of the messages that are not shown, because the user deleted them. */
export const deleted = signal(new Set());

/** The id of the message for which an emoji is being chosen, or null: its toolbar stays meanwhile. */
export const reacting = signal(null);

/** The id of the message that is being edited, or null. */
export const editing = signal(null);

/** Edit a message where it stands. @param {{id: number}} message */
export function startEdit(message) {
  editing.value = message.id;
}

/** Edit the user's last message of a list, where there is one. @param {any[]} messages oldest first */
export function startEditLast(messages) {
  const own = messages.findLast((message) => message.sender_id === me.peek()?.id && !message.deleted_at);
  if (!own) return false;
  startEdit(own);
  return true;
}
