// What is written and not sent yet, for each conversation. The text is kept over reloads on this device, chosen files are not.

import { me } from '../chat.js';
import { signal } from '../preact.js';

const DELAY = 300;

const prefix = () => `confab draft ${me.peek()?.id} `;

/** The ids of the conversations that have a draft: for a mark in the inbox. */
export const drafted = signal(read());

me.subscribe(() => {
  drafted.value = read();
});

/** What is not written to the storage yet, by its key there. @type {Map<string, {text: string, timer: number}>} */
const pending = new Map();

/** @param {string} id of a conversation, or of a thread: `room:7#55` */
export function draftOf(id) {
  const key = prefix() + id;
  const held = pending.get(key);
  if (held) return held.text;
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return ''; // no storage: drafts live until the reload
  }
}

/** The files that were chosen for a draft. @type {Map<string, File[]>} */
const files = new Map();

/** @param {string} id of a conversation, or of a thread */
export const draftFilesOf = (id) => files.get(prefix() + id) ?? [];

/** @param {string} id @param {File[]} chosen */
export function keepDraftFiles(id, chosen) {
  if (chosen.length) files.set(prefix() + id, chosen);
  else files.delete(prefix() + id);
}

/** Keep a draft; an empty one is deleted. @param {string} id @param {string} text */
export function keepDraft(id, text) {
  const key = prefix() + id;
  clearTimeout(pending.get(key)?.timer);
  pending.set(key, { text, timer: setTimeout(() => write(key), text ? DELAY : 0) });
}

/** @param {string} key */
function write(key) {
  const { text } = pending.get(key) ?? {};
  if (text === undefined) return;
  try {
    if (text.trim()) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
    pending.delete(key);
  } catch {}
  drafted.value = read();
}

function read() {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix()));
    return new Set(keys.map((key) => key.slice(prefix().length)));
  } catch {
    return new Set();
  }
}

addEventListener('pagehide', () => {
  if (!me.peek()) return; // signed out, perhaps with the wish that nothing stays
  for (const key of pending.keys()) write(key);
});
