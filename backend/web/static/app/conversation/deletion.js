// A deleted message vanishes at once. For some seconds that can be undone; after them the server is told.

import { beforeSignOut } from '../session/ended.js';
import { t } from '../text.js';
import { toast, toastError } from '../ui/toast.js';
import { deleted } from './local-state.js';

const UNDO = 5000;

/**
 * What is to be deleted when its time is over, and what undoes that before, by id of the message.
 * @type {Map<number, {remove: () => Promise<void>, undo: AbortController}>}
 */
const pending = new Map();

/** Hide a message, offer to undo that, and delete it after five seconds. */
export async function deleteWithUndo(message, { conversation }) {
  const { id } = message;
  const neighbour = focusedNeighbour(id);
  hide(id, true);
  neighbour?.focus({ preventScroll: true });
  const undo = new AbortController();
  pending.set(id, { remove: () => conversation.remove(id), undo });
  const isUndone = await toast(t('delete.done'), { action: t('delete.undo'), duration: UNDO, signal: undo.signal });
  const deletion = pending.get(id);
  pending.delete(id);
  if (isUndone) return hide(id, false);
  try {
    await deletion?.remove();
    // What was replied to it is still there, so its place is.
    if (message.reply_count) hide(id, false);
  } catch (error) {
    hide(id, false);
    toastError(error);
  }
}

/** The message beside one that has the focus, which takes it over. @param {number} id */
function focusedNeighbour(id) {
  const article = document.activeElement?.closest(`article[data-id="${id}"]`);
  const articles = [...(article?.closest('[data-messages]')?.querySelectorAll('article[data-id]') ?? [])];
  const index = articles.indexOf(article);
  return articles[index + 1] ?? articles[index - 1];
}

function hide(id, isHidden) {
  const ids = new Set(deleted.value);
  if (isHidden) ids.add(id);
  else ids.delete(id);
  deleted.value = ids;
}

/** The time in which deletions could be undone is over. */
function finish() {
  const removals = [...pending.values()];
  pending.clear();
  return Promise.allSettled(removals.map(({ remove }) => remove()));
}

addEventListener('pagehide', finish);
beforeSignOut.add(finish);

// The button is far from the messages for who uses the keyboard. In a text field the key undoes what was typed.
addEventListener('keydown', (event) => {
  const isUndo = event.key.toLowerCase() === 'z' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  const last = [...pending.values()].at(-1);
  if (!isUndo || !last || event.target.closest?.('input, textarea')) return;
  event.preventDefault();
  last.undo.abort();
});
