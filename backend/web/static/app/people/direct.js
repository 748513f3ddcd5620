import { inbox, me, state } from '../chat.js';
import { person } from '../people.js';

/** The id of the direct conversation with a user. @param {number} userId */
export function directId(userId) {
  const [low, high] = [userId, me.value?.id ?? 0].sort((a, b) => a - b);
  return `dm:${low}:${high}`;
}

/** The id of the other user of a direct conversation of the signed-in user, or 0. @param {string} id */
export function peerOf(id) {
  const [, low, high] = /^dm:(\d+):(\d+)$/.exec(id) ?? [];
  const peer = Number(low) === me.value?.id ? Number(high) : Number(low);
  return low && directId(peer) === id ? peer : 0;
}

/**
 * The row of a direct conversation in which nobody has written yet: it is in no inbox, and its first message begins it. Null where
 * there is no such user, or it is not known yet.
 * @param {string} id
 */
export function newDirectRow(id) {
  const peer = peerOf(id);
  if (!peer || (state.value.status !== 'live' && !inbox.value.length)) return null;
  const user = person(peer).value;
  if (!user?.username) return null;
  return {
    id,
    kind: 'dm',
    user,
    last_seq: 0,
    last_modseq: 0,
    last_read_seq: 0,
    unread_count: 0,
    mention_count: 0,
    last_message: null,
    is_muted: false,
    is_pinned: false,
  };
}
