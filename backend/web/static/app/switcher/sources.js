import { api, inbox, me } from '../chat.js';
import { ConversationPicture } from '../inbox/row.js';
import { openShortcuts } from '../keys.js';
import { directId } from '../people/direct.js';
import { nameOf, remember, titleOf } from '../people.js';
import { html } from '../preact.js';
import { conversationHref, href } from '../router.js';
import { hasDirectory } from '../session/server.js';
import { formatNumber, t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Icon } from '../ui/icon.js';
import { match } from './fuzzy.js';

const MOST = 12;

/**
 * What can be gone to: an address or an action, its name, and where the name has the query.
 * @typedef {{key: string, title: string, places?: Set<number>, side?: string, unread?: number, picture: any, href?: string, action?: () => void}} Entry
 */

/** The conversations with this name; without a query the unread ones, then the latest. @param {string} query @returns {Entry[]} */
export function conversations(query) {
  const scored = inbox.value.flatMap((row, index) => {
    const title = titleOf(row);
    const found = query ? match(query, title) : { score: 0, places: undefined };
    if (!found) return [];
    const unread = row.is_muted ? 0 : row.unread_count;
    return { row, title, unread, places: found.places, score: found.score + (unread ? 20 : 0) - index / 1000 };
  });
  scored.sort((a, b) => b.score - a.score);
  return scored.slice(0, MOST).map(({ row, title, unread, places }) => ({
    key: row.id,
    title,
    places,
    unread,
    side: row.kind === 'dm' ? `@${row.user.username}` : undefined,
    picture: html`<${ConversationPicture} row=${row} size="small" />`,
    href: conversationHref(row.id),
  }));
}

/** The pages of the application. @param {string} query @returns {Entry[]} */
export function pages(query) {
  const all = [
    ['rooms', 'compass', t('rooms.browse')],
    hasDirectory() && ['people', 'people', t('people.title')],
    ['search', 'search', t('search.title')],
    ['settings', 'settings', t('settings.title')],
    me.value?.is_superuser && ['admin', 'shield', t('navigation.admin')],
  ].filter(Boolean);
  /** @type {Entry[]} */
  const entries = all.map(([path, icon, title]) => ({ key: path, title, picture: sign(icon), href: href([path]) }));
  const notes = directId(me.value?.id);
  if (!inbox.value.some(({ id }) => id === notes))
    entries.push({ key: notes, title: t('conversation.notes'), picture: sign('edit'), href: conversationHref(notes) });
  entries.push({ key: 'shortcuts', title: t('shortcuts.title'), picture: sign('keyboard'), action: openShortcuts });
  return entries.flatMap((entry) => {
    const found = query ? match(query, entry.title) : {};
    return found ? { ...entry, places: found.places } : [];
  });
}

/** The people and the public rooms that the server finds and that are not in the inbox. @param {string} query @returns {Promise<{people: Entry[], rooms: Entry[]}>} */
export async function searched(query) {
  const search = new URLSearchParams({ q: query, limit: String(MOST) });
  const [users, found] = await Promise.all([api.get(`/api/users?${search}`), api.get(`/api/rooms?${search}`)]);
  remember(users);
  const known = new Set(inbox.value.map(({ id }) => id));
  const people = users.filter(({ id }) => !known.has(directId(id)) && id !== me.value?.id);
  const rooms = found.filter(({ conversation_id }) => !known.has(conversation_id));
  return {
    people: people.map((user) => ({
      key: `person ${user.id}`,
      title: nameOf(user),
      places: match(query, nameOf(user))?.places,
      side: `@${user.username}`,
      picture: html`<${Avatar} user=${user} size="small" hasPresence />`,
      href: conversationHref(directId(user.id)),
    })),
    rooms: rooms.map((room) => ({
      key: `room ${room.id}`,
      title: room.name,
      places: match(query, room.name)?.places,
      side: t('room.members', { count: room.member_count }),
      picture: sign('hash'),
      href: conversationHref(room.conversation_id),
    })),
  };
}

/** To look for the words in the messages. @param {string} query @returns {Entry} */
export function messageSearch(query) {
  return {
    key: 'messages',
    title: t('switcher.messages', { query }),
    picture: sign('search'),
    href: href(['search'], { q: query }),
  };
}

function sign(icon) {
  return html`<span class="avatar avatar-small avatar-sign"><${Icon} name=${icon} /></span>`;
}

/** The count of unread messages, as the inbox shows it. @param {{count: number}} props */
export function Unread({ count }) {
  return html`<span class="badge badge-unread" role="img" aria-label=${t('inbox.unread', { count })}>${formatNumber(count)}</span>`;
}
