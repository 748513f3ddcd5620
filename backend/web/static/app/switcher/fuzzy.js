/** A text as characters without case and diacritics, one for each of its own. @param {string} text */
function fold(text) {
  return [...text].map((each) => each.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase() || each);
}

const STARTS = /[\s\-_./:#@]/;

/**
 * How well a text has the characters of a query in their order: a score, higher is better, and the places, for highlights. Null where
 * it does not. Beginnings of words and runs count more.
 * @param {string} query
 * @param {string} text
 * @returns {{score: number, places: Set<number>} | null}
 */
export function match(query, text) {
  const wanted = fold(query.trim()).filter((each) => !/\s/.test(each));
  const given = fold(text);
  const whole = given.join('').indexOf(wanted.join(''));
  const from = whole >= 0 && given.join('').length === given.length ? whole : -1;
  if (from >= 0) {
    const isStart = from === 0 || STARTS.test(given[from - 1]);
    return { score: (isStart ? 200 : 100) - from - given.length / 100, places: new Set(wanted.map((_, index) => from + index)) };
  }
  const places = new Set();
  let score = 0;
  let next = 0;
  for (const character of wanted) {
    const found = startAfter(given, character, next) ?? given.indexOf(character, next);
    if (found < 0) return null;
    score += found === 0 || STARTS.test(given[found - 1]) ? 8 : places.has(found - 1) ? 4 : 0;
    places.add(found);
    next = found + 1;
  }
  // Single characters from all over a text are no match.
  return score >= wanted.length * 3 ? { score: score - given.length / 100, places } : null;
}

/** Where a word begins with the character; a run of characters goes before. */
function startAfter(given, character, next) {
  if (given[next] === character) return next;
  for (let index = next; index < given.length; index++)
    if (given[index] === character && STARTS.test(given[index - 1] ?? ' ')) return index;
  return undefined;
}
