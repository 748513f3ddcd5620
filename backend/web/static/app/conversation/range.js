// Which of the messages at hand are in the document: a part without gaps, from `first` to `last` (seqs). The end of all is `Infinity`.

/** The most messages in the document. */
export const MOST = 300;
/** How many more are shown when the reader comes near an end, and at the start. */
const STEP = 60;

/** @typedef {{first: number, last: number}} Range */

/** The index of the first message whose seq is not below `seq`. */
export function indexOf(messages, seq) {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle].seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @returns {Range} */
function between(messages, start, end) {
  const from = Math.max(0, start);
  return { first: messages[from]?.seq ?? 0, last: end >= messages.length ? Infinity : messages[end - 1].seq };
}

/** The last messages. @returns {Range} */
export const atEnd = (messages) => between(messages, messages.length - STEP, messages.length);

/** Those before and after a message. @returns {Range} */
export function around(messages, seq) {
  const index = indexOf(messages, seq);
  return between(messages, index - STEP, index + STEP);
}

/** The messages of a range. @param {Range} range */
export function inRange(messages, { first, last }) {
  return messages.slice(indexOf(messages, first), last === Infinity ? messages.length : indexOf(messages, last + 1));
}

/** The range with more messages before it, and not too many after. @param {Range} range */
export function withEarlier(messages, { first, last }) {
  const start = Math.max(0, indexOf(messages, first) - STEP);
  const end = last === Infinity ? messages.length : indexOf(messages, last + 1);
  return between(messages, start, Math.min(end, start + MOST));
}

/** The range with more messages after it, and not too many before. @param {Range} range */
export function withLater(messages, { first, last }) {
  const end = Math.min(messages.length, indexOf(messages, last + 1) + STEP);
  return between(messages, Math.max(indexOf(messages, first), end - MOST), end);
}

/**
 * The range after messages were added or dropped at the ends. Whoever is at the bottom sees the new ones, and the old ones go; who
 * reads above keeps what is shown.
 * @param {Range} range @param {boolean} isAtBottom
 */
export function afterChange(messages, range, isAtBottom) {
  const shown = inRange(messages, range);
  if (!shown.length) return atEnd(messages);
  if (shown.length <= MOST || range.last !== Infinity) return range;
  // Not one at a time: each change of the start lays out everything again.
  if (isAtBottom) return between(messages, messages.length - MOST + 2 * STEP, messages.length);
  return { first: range.first, last: shown[MOST - 1].seq };
}
