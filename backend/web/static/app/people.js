// Who is who: the users that messages name by id. They are looked up in batches, and kept for the offline start.

import { api, chat, me, online, signalOf } from './chat.js';
import { effect, signal } from './preact.js';
import { formatRelative, t } from './text.js';

const KEPT = 500;
const BATCH = 100;
const PAUSE = 1000;
const PAUSE_AFTER_FAILURE = 15_000;

/** @type {Map<number, import('../vendor/signals-core.js').Signal>} */
const people = new Map();
/** @type {Set<number>} */
const wanted = new Set();
let timer = 0;

const storageKey = () => `confab people ${me.peek()?.id}`;

/** The signal of a user, null while it is not known. @param {number} id */
export function person(id) {
  let found = people.get(id);
  if (!found) {
    found = signal(null);
    people.set(id, found);
    want(id);
  }
  return found;
}

/** Take over users that another answer brought. @param {any[]} users */
export function remember(users) {
  for (const user of users) {
    const found = people.get(user.id);
    if (!found) people.set(user.id, signal(user));
    else if (JSON.stringify(found.peek()) !== JSON.stringify(user)) found.value = { ...found.peek(), ...user };
    wanted.delete(user.id);
  }
  keep();
}

/** All users that are known, for completion. */
export function knownPeople() {
  return [...people.values()].flatMap((each) => each.value ?? []);
}

/** What a user is called. @param {any} user */
export function nameOf(user) {
  if (!user) return t('person.unknown');
  return user.full_name || user.username || t('person.hidden');
}

/** Whether a user is online, or was last seen when. @param {any} user */
export function presenceOf(user) {
  if (user?.username && user.is_active === false) return t('person.inactive');
  if (online.value.has(user?.id)) return t('person.online');
  return user?.last_seen_at ? t('person.last-seen', { when: formatRelative(user.last_seen_at) }) : t('person.offline');
}

/** What a conversation is called. @param {any} row of the inbox */
export function titleOf(row) {
  if (row?.kind === 'room') return row.room.name;
  if (row?.kind === 'lobby') return t('conversation.lobby');
  if (row?.user && row.user.id === me.value?.id) return t('conversation.notes');
  return nameOf(row?.user);
}

/** How many members a room has: as many as are known, or else as the inbox said. @param {any} row of the inbox */
export function memberCount(row) {
  return signalOf(chat.conversation(row.id).members).value.length || row.room.member_count;
}

function want(id) {
  wanted.add(id);
  clearTimeout(timer);
  timer = setTimeout(lookUp, 30);
}

async function lookUp() {
  const ids = [...wanted].slice(0, BATCH);
  if (!ids.length || !me.peek()) return;
  let pause = PAUSE;
  for (const id of ids) wanted.delete(id);
  try {
    const found = await api.get(`/api/users?ids=${ids.join(',')}&limit=${BATCH}`);
    const seen = new Set(found.map(({ id }) => id));
    remember(found);
    // Whom the directory does not show has no name here, and is not looked up again.
    for (const id of ids) if (!seen.has(id) && !people.get(id).peek()) people.get(id).value = { id, username: '', full_name: '' };
  } catch {
    for (const id of ids) wanted.add(id);
    pause = PAUSE_AFTER_FAILURE;
  }
  if (wanted.size && navigator.onLine) timer = setTimeout(lookUp, pause);
}

function keep() {
  clearTimeout(keep.timer);
  keep.timer = setTimeout(() => {
    if (!me.peek()) return;
    try {
      const kept = [...people.values()].flatMap((each) => each.peek() ?? []).slice(-KEPT);
      localStorage.setItem(storageKey(), JSON.stringify(kept));
    } catch {} // no storage: names come from the network
  }, 500);
}

/** Delete the names that are kept on the device. */
export function forgetPeople() {
  people.clear();
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith('confab people ')) localStorage.removeItem(key);
  } catch {}
}

let shownFor = 0;
effect(() => {
  const user = me.value;
  if (!user) return;
  if (user.id !== shownFor) {
    if (shownFor) people.clear();
    shownFor = user.id;
    try {
      const kept = JSON.parse(localStorage.getItem(storageKey()) ?? '[]');
      for (const each of kept) if (!people.get(each.id)?.peek()) people.set(each.id, signal(each));
    } catch {}
  }
  remember([user]);
});
/** The users of rows that are taken over. A row changes with each message, its user rarely. @type {WeakSet<object>} */
const taken = new WeakSet();
chat.inbox.subscribe((rows) => {
  const changed = rows.flatMap(({ user }) => (user && !taken.has(user) ? user : []));
  for (const user of changed) taken.add(user);
  if (changed.length) remember(changed);
});
chat.on('ready', () => {
  if (wanted.size) timer = setTimeout(lookUp, 100);
});
