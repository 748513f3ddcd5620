import { openPanel } from '../router.js';
import { startEdit } from './local-state.js';
import { permissions } from './place.js';
import { chooseReaction } from './reactions.js';

const PAGE = 8;

/** A key was pressed in a message. @param {KeyboardEvent} event @param {HTMLElement} article */
export function onMessageKey(event, article, message, place) {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
  const isWithin = event.target !== article;
  if (event.key === 'Escape') {
    if (isWithin) article.focus();
    else article.closest('.conversation, .panel')?.querySelector('.composer-input')?.focus();
  } else if (isWithin || !message) return;
  else if (event.key in MOVES) move(article, MOVES[event.key]);
  else if (!act(event.key, article, message, place)) return;
  event.preventDefault();
  event.stopPropagation();
}

/** How far each key moves the focus, in messages. */
const MOVES = { ArrowUp: -1, ArrowDown: 1, PageUp: -PAGE, PageDown: PAGE, Home: -Infinity, End: Infinity };

function move(article, count) {
  const articles = [...article.closest('[data-messages]').querySelectorAll('article[data-id]')];
  const index = Math.min(Math.max(articles.indexOf(article) + count, 0), articles.length - 1);
  articles[index].focus({ preventScroll: true });
  articles[index].scrollIntoView({ block: 'nearest' });
}

function act(key, article, message, place) {
  const { mayEdit, mayReply, mayReact } = permissions(message, place);
  if (key === 'Enter') article.querySelector('.message-toolbar button')?.focus();
  else if (key === 'r' && mayReply && !place.isThread) openPanel(`thread:${message.parent_id ?? message.id}`);
  else if (key === 'e' && mayEdit) startEdit(message, place.isThread);
  else if (key === '+' && mayReact) void chooseReaction(article, message, place);
  else return false;
  return true;
}
