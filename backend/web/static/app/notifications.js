// What tells of new messages outside of the page: its title, its icon, and notifications of the desktop.

import { inbox } from './chat.js';
import { openId, unreadTotal } from './inbox/order.js';
import { newDirectRow } from './people/direct.js';
import { titleOf } from './people.js';
import { effect, signal } from './preact.js';
import { route } from './router.js';
import { formatNumber, t } from './text.js';

const STORED = 'confab notifications';
/** Milliseconds between two changes of the title and of the icon: each costs as much as several messages. */
const PAUSE = 500;
const PAGES = {
  __proto__: null,
  rooms: 'rooms.browse',
  people: 'people.title',
  search: 'search.title',
  settings: 'settings.title',
  admin: 'navigation.admin',
};

/** Whether new messages are shown by the desktop while the page is not in front. */
export const notificationsEnabled = signal(isStored() && isAllowed());

function isAllowed() {
  return globalThis.Notification?.permission === 'granted';
}

function isStored() {
  try {
    return localStorage.getItem(STORED) === 'on';
  } catch {
    return false;
  }
}

/**
 * Turn the notifications on or off on this device. The browser asks for permission, so this is called when a button is pressed.
 * Resolves with whether they are on.
 * @param {boolean} isOn
 */
export async function setNotificationsEnabled(isOn) {
  const isGranted = isOn && (await globalThis.Notification?.requestPermission()) === 'granted';
  try {
    localStorage.setItem(STORED, isGranted ? 'on' : 'off');
  } catch {} // no storage: until the page is closed
  notificationsEnabled.value = isGranted;
  return isGranted;
}

/** Keep the title and the icon, and tell of new messages. Returns what ends it. */
export function startNotifications() {
  const [show, cancel] = paced(({ title, count }) => {
    document.title = title;
    showBadge(count);
  });
  const undo = [effect(() => show({ title: title(), count: unreadTotal.value })), effect(tell)];
  return () => {
    for (const each of undo) each();
    cancel();
    showBadge(0);
  };
}

/**
 * Returns a function that calls `work` at once, and again at most once in each pause, with the last argument; and one that ends it.
 * @template T
 * @param {(value: T) => void} work
 * @returns {[(value: T) => void, () => void]}
 */
function paced(work) {
  let timer = 0;
  let last = null;
  const run = () => {
    timer = 0;
    if (last === null) return;
    const value = last;
    last = null;
    work(value);
    timer = setTimeout(run, PAUSE); // behind the work, which takes long on a busy device
  };
  const call = (value) => {
    last = value;
    if (!timer) run();
  };
  return [call, () => clearTimeout(timer)];
}

function title() {
  const count = unreadTotal.value;
  const key = PAGES[route.value.path[0]];
  const row = openId.value && (inbox.value.find(({ id }) => id === openId.value) ?? newDirectRow(openId.value));
  const place = row ? titleOf(row) : key ? t(key) : '';
  return `${count ? `(${formatNumber(count)}) ` : ''}${place ? `${place} · ` : ''}Confab`;
}

let badge = 0;

/** Show the number in the icon of the page, and of the application where it is installed. @param {number} count */
function showBadge(count) {
  if (count === badge) return;
  badge = count;
  navigator.setAppBadge?.(count).catch(() => {}); // the page is not installed
  import('./desktop/favicon.js').then(
    (module) => module.drawBadge(badge),
    () => {},
  );
}

function tell() {
  if (!notificationsEnabled.value) return;
  let stop = null;
  let isEnded = false;
  import('./desktop/notify.js').then(
    (module) => {
      if (!isEnded) stop = module.startTelling();
    },
    () => {},
  );
  return () => {
    isEnded = true;
    stop?.();
  };
}
