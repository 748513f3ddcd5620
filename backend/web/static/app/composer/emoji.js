// The emoji and their names, from the list that is loaded when it is first used.

const KEY = 'confab emoji';
const MOST_RECENT = 24;
const FIRST = ['👍', '❤️', '😂', '🎉', '👀', '🙏', '✅', '🚀'];

/** The modifiers of skin tones (Unicode TR51), after "none". */
export const TONES = ['', '🏻', '🏼', '🏽', '🏾', '🏿'];

/** @typedef {{emoji: string, name: string, words: string[], hasTones: boolean}} Emoji */

/** @type {Promise<{group: string, emojis: Emoji[]}[]> | null} */
let loading = null;

/** All emoji, in their groups. */
export function loadEmojis() {
  loading ??= import('./emoji-data.js').then(
    ({ groups }) => Object.entries(groups).map(([group, lines]) => ({ group, emojis: lines.split('\n').map(parse) })),
    (error) => {
      loading = null;
      throw error;
    },
  );
  return loading;
}

/** @param {string} line @returns {Emoji} */
function parse(line) {
  const space = line.indexOf(' ');
  const [name, ...words] = line.slice(space + 1).split(',');
  const hasTones = name.startsWith('*');
  return { emoji: line.slice(0, space), name: hasTones ? name.slice(1) : name, words, hasTones };
}

/** The emoji whose name or words begin with what is sought, best first. @param {string} sought @param {number} most */
export async function findEmojis(sought, most) {
  const text = sought.toLowerCase().replace(/[_-]/g, ' ').trim();
  const all = (await loadEmojis()).flatMap(({ emojis }) => emojis);
  const found = all.map((emoji) => ({ emoji, rank: rank(emoji, text) })).filter((each) => each.rank < 4);
  found.sort((a, b) => a.rank - b.rank);
  return found.slice(0, most).map(({ emoji }) => ({ ...emoji, emoji: toned(emoji) }));
}

function rank({ name, words }, text) {
  if (name === text) return 0;
  if (name.startsWith(text)) return 1;
  if (name.includes(` ${text}`)) return 2;
  return words.some((word) => word.startsWith(text)) ? 3 : 4;
}

/** @returns {{tone: number, recent: string[]}} */
function kept() {
  try {
    return { tone: 0, recent: FIRST, ...JSON.parse(localStorage.getItem(KEY) ?? '{}') };
  } catch {
    return { tone: 0, recent: FIRST };
  }
}

function keep(changes) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...kept(), ...changes }));
  } catch {}
}

/** The emoji that were used last, the last one first. */
export const recentEmojis = () => kept().recent;

/** @param {string} emoji */
export function noteEmoji(emoji) {
  keep({ recent: [emoji, ...kept().recent.filter((each) => each !== emoji)].slice(0, MOST_RECENT) });
}

export const skinTone = () => kept().tone;
export const keepSkinTone = (tone) => keep({ tone });

/** An emoji in the tone that the user chose. The modifier follows the first character, and replaces its variation selector. */
export function toned({ emoji, hasTones }, tone = skinTone()) {
  if (!hasTones || !tone) return emoji;
  const [first, ...rest] = emoji;
  return first + TONES[tone] + rest.join('').replace(/^\ufe0f/, '');
}
