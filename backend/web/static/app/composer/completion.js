// The word before the cursor that can be completed, and what it can become.

import { api, me } from '../chat.js';
import { knownPeople, nameOf, remember } from '../people.js';
import { t } from '../text.js';

const MOST = 8;
const SHORTEST_EMOJI = 2;

/**
 * The word that is being written at the cursor: `{kind: '@' | ':', start, word}`, or null.
 * @param {string} text @param {number} cursor
 */
export function wordAt(text, cursor) {
  const found = /(?:^|[\s(])([@:])([\p{L}\p{N}_.+-]*)$/u.exec(text.slice(0, cursor));
  if (!found || (found[1] === ':' && found[2].length < SHORTEST_EMOJI)) return null;
  return { kind: found[1], start: cursor - found[2].length - 1, word: found[2] };
}

/**
 * What a word can become, best first: `{key, text, label, user?, emoji?}`, where `text` replaces the word.
 * @param {{kind: string, word: string}} at
 * @param {{row: any, members: any[]}} context
 * @param {AbortSignal} signal
 */
export async function completionsOf({ kind, word }, { row, members }, signal) {
  if (kind === ':') {
    const { findEmojis } = await import('./emoji.js');
    const found = await findEmojis(word, MOST);
    return found.map(({ emoji, name }) => ({ key: emoji, text: emoji, label: name, emoji }));
  }
  const sought = folded(word);
  const near = row.kind === 'room' ? members.map(({ user }) => user) : row.kind === 'dm' ? [row.user] : knownPeople();
  let users = near.filter((user) => user?.username && user.id !== me.value?.id && matches(user, sought));
  if (row.kind === 'lobby' && users.length < MOST && word) {
    const found = await api.get(`/api/users?${new URLSearchParams({ q: word, limit: String(MOST) })}`, signal).catch(() => []);
    remember(found);
    users = [...users, ...found.filter((user) => !users.some(({ id }) => id === user.id) && user.id !== me.value?.id)];
  }
  users.sort((a, b) => rank(a, sought) - rank(b, sought) || nameOf(a).localeCompare(nameOf(b)));
  const found = users.slice(0, MOST).map((user) => ({
    key: String(user.id),
    text: `@${user.username}`,
    label: nameOf(user),
    detail: `@${user.username}`,
    user,
  }));
  const isRoomOffered = row.kind === 'room' && row.room.is_admin && 'room'.startsWith(sought);
  return isRoomOffered ? [...found, { key: 'room', text: '@room', label: t('composer.everybody'), detail: '@room' }] : found;
}

/** @param {string} text */
function folded(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

function matches(user, sought) {
  const words = folded(nameOf(user)).split(/\s+/);
  return folded(user.username).includes(sought) || words.some((word) => word.startsWith(sought));
}

/** Names that begin with the word come first. */
function rank(user, sought) {
  return folded(user.username).startsWith(sought) || folded(nameOf(user)).startsWith(sought) ? 0 : 1;
}
