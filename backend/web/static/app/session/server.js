// What the server's settings allow, as it wrote them into the page.

import { me } from '../chat.js';

const {
  registration = 'open',
  sms = 'on',
  docs = 'on',
  directory = 'everyone',
  rooms = 'everyone',
} = document.documentElement.dataset;

/** Who may register: `open` (anybody), `invite` (with the invite of a room) or `closed` (nobody). */
export const REGISTRATION = registration;
/** Whether the server sends codes by text. */
export const HAS_TEXTS = sms !== 'off';
/** Whether the server has the documentation of its API, at `/docs`. */
export const HAS_DOCS = docs !== 'off';
/** Whether the user finds others by name. */
export const hasDirectory = () => directory !== 'off' || Boolean(me.value?.is_superuser);
/** Whether the user may create rooms. */
export const mayCreateRooms = () => rooms === 'everyone' || Boolean(me.value?.is_superuser);
