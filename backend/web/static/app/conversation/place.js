// Where a message is, and what the user may do there.

import { me } from '../chat.js';
import { useMemo } from '../preact.js';

/**
 * @typedef {object} Place
 * @property {any} conversation  of the library
 * @property {string} id  of the conversation
 * @property {'lobby' | 'room' | 'dm'} kind
 * @property {boolean} isAdmin  whether the user is an admin there
 * @property {boolean} isNotes  whether nobody else reads it
 * @property {boolean} isThread  whether it is shown in the panel of a thread
 */

/** The place of a row of the inbox: the same object until something of it changes. @returns {Place} */
export function usePlace(conversation, row, isThread = false) {
  const own = me.value;
  const isAdmin = row.kind === 'room' && Boolean(row.room.is_admin);
  const isNotes = row.kind === 'dm' && row.user?.id === own?.id;
  return useMemo(
    () => ({ conversation, id: row.id, kind: row.kind, isAdmin, isNotes, isThread }),
    [conversation, row.id, row.kind, isAdmin, isNotes, isThread],
  );
}

/** What the user may do with a message. @param {any} message @param {Place} place */
export function permissions(message, { kind, isAdmin }) {
  const isOwn = message.sender_id === me.peek()?.id;
  const isDeleted = Boolean(message.deleted_at);
  return {
    isOwn,
    mayReact: !isDeleted,
    mayReply: !isDeleted || message.reply_count > 0,
    mayEdit: isOwn && !isDeleted,
    mayPin: !isDeleted && (kind === 'dm' || isAdmin),
    mayReport: !isOwn && !isDeleted,
    mayDelete: !isDeleted && (isOwn || isAdmin),
    mayWipe: isOwn || isAdmin,
  };
}
