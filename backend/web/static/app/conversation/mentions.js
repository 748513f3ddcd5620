import { me } from '../chat.js';
import { person } from '../people.js';
import { html } from '../preact.js';
import { openPanel } from '../router.js';

// The same rules as those of the server: not after a letter, a digit or another @, so that an email address mentions nobody.
const MENTION = /(?<![\w@.+/-])@([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})/g;
const ROOM = /^@room(?![\w-]|\.\w)/i;

/**
 * Whom a message mentions.
 * @typedef {{users: Map<string, any>, isRoom: boolean, isInLink?: boolean}} Mentioned  `users` by username in small letters
 */

/** @param {any} message @returns {Mentioned} */
export function mentionedBy(message) {
  const users = message.mentions.flatMap((id) => person(id).value ?? []);
  return { users: new Map(users.map((user) => [user.username.toLowerCase(), user])), isRoom: message.mentions_room };
}

/** A text with its mentions as buttons. @param {string} text @param {Mentioned} mentioned */
export function withMentions(text, { users, isRoom, isInLink = false }) {
  if (isInLink || (!isRoom && !users.size) || !text.includes('@')) return text;
  const parts = [];
  let done = 0;
  for (const { 0: raw, 1: name, index } of text.matchAll(MENTION)) {
    const found = reading(name, users);
    const length = found ? found.username.length + 1 : isRoom && ROOM.test(text.slice(index)) ? '@room'.length : 0;
    if (!length) continue;
    parts.push(
      text.slice(done, index),
      found ? userChip(found) : html`<span class="mention is-own">${raw.slice(0, length)}</span>`,
    );
    done = index + length;
  }
  return [...parts, text.slice(done)];
}

/** A mark at the end of a name may belong to the sentence: `@ann.` is `ann.`, or `ann`. */
function reading(name, users) {
  const folded = name.toLowerCase();
  return users.get(folded) ?? users.get(folded.slice(0, -1)) ?? users.get(folded.replace(/[.-]+$/, ''));
}

function userChip(user) {
  const isOwn = user.id === me.peek()?.id;
  return html`<button type="button" tabindex="-1" class=${`mention ${isOwn ? 'is-own' : ''}`} onClick=${() => openPanel(`person:${user.id}`)}>
    @${user.username}
  </button>`;
}
