// What is written and not sent yet, for each conversation, kept over reloads on this device.

import { me } from '../chat.js';
import { signal } from '../preact.js';

const DELAY = 300;

const prefix = () => `confab draft ${me.peek()?.id} `;

/** The ids of the conversations that have a draft: for a mark in the inbox. */
export const drafted = signal(read());

me.subscribe(() => {
  drafted.value = read();
});

/** @type {Map<string, {text: string, timer: number}>} */
const pending = new Map();

/** @param {string} id of a conversation, or of a thread: `room:7#55` */
export function draftOf(id) {
  const held = pending.get(id);
  if (held) return held.text;
  try {
    return localStorage.getItem(prefix() + id) ?? '';
  } catch {
    return ''; // no storage: drafts live until the reload
  }
}

/** Keep a draft; an empty one is deleted. @param {string} id @param {string} text */
export function keepDraft(id, text) {
  clearTimeout(pending.get(id)?.timer);
  pending.set(id, { text, timer: setTimeout(() => write(id), text ? DELAY : 0) });
}

function write(id) {
  const { text } = pending.get(id) ?? {};
  if (text === undefined) return;
  try {
    if (text.trim()) localStorage.setItem(prefix() + id, text);
    else localStorage.removeItem(prefix() + id);
    pending.delete(id);
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
  for (const id of pending.keys()) write(id);
});
me.subscribe(() => {
  drafted.value = read();
});
