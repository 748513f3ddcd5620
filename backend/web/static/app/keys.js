// The keys that work everywhere in the page.

import { openId, orderedRows } from './inbox/order.js';
import { signal } from './preact.js';
import { goToConversation } from './router.js';
import { isComposing } from './ui/composing.js';
import { toastError } from './ui/toast.js';

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
/** How the keys are written on this device. */
export const MODIFIER = isMac ? '⌘' : 'Ctrl';
export const SHIFT = isMac ? '⇧' : 'Shift';
export const SWITCHER_KEY = isMac ? '⌘K' : 'Ctrl K';

const STORED = 'confab single keys';

/** Whether keys without a modifier, such as `?`, do something. Who dictates may turn them off (WCAG 2.1.4). */
export const hasSingleKeys = signal(read() !== 'off');

function read() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

/** @param {boolean} isOn */
export function setSingleKeys(isOn) {
  hasSingleKeys.value = isOn;
  try {
    localStorage.setItem(STORED, isOn ? 'on' : 'off');
  } catch {} // no storage: until the page is closed
}

/** Choose a conversation, a person, a room or a page by name. */
export function openSwitcher() {
  import('./switcher/switcher.js').then((module) => module.showSwitcher(), toastError);
}

/** Show which keys there are. */
export function openShortcuts() {
  import('./switcher/shortcuts.js').then((module) => module.showShortcuts(), toastError);
}

/** Listen for the keys. Returns what ends it. */
export function startKeys() {
  document.addEventListener('keydown', onKeyDown);
  return () => document.removeEventListener('keydown', onKeyDown);
}

function onKeyDown(event) {
  if (event.defaultPrevented || isComposing(event) || document.querySelector('dialog[open]')) return;
  const hasModifier = event.ctrlKey || event.metaKey;
  const isArrow = event.key === 'ArrowUp' || event.key === 'ArrowDown';
  if (hasModifier && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') openSwitcher();
  else if (hasModifier && !event.altKey && event.key === '/') openShortcuts();
  else if (event.altKey && !hasModifier && isArrow) step(event.key === 'ArrowUp' ? -1 : 1, event.shiftKey);
  else if (event.key === '?' && !hasModifier && !event.altKey && hasSingleKeys.value && !isWriting(event.target)) openShortcuts();
  else return;
  event.preventDefault();
}

function isWriting(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Open the next conversation of the inbox, or the next unread one. @param {1 | -1} direction @param {boolean} isUnread */
function step(direction, isUnread) {
  const rows = orderedRows.value;
  const index = rows.findIndex(({ id }) => id === openId.value);
  const after = direction > 0 ? rows.slice(index + 1) : rows.slice(0, index < 0 ? rows.length : index).reverse();
  const target = isUnread ? after.find((row) => row.unread_count > 0) : after[0];
  if (target) goToConversation(target.id);
}
