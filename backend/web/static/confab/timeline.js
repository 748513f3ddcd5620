/** @typedef {import('./types.js').Message} Message */

const TAIL = 500;
export const PAGE = 50;

/**
 * The messages of one conversation that are held in memory: its last ones (the tail), and a window around where the reader is, if
 * that is elsewhere. Both are without gaps once the client has caught up, because seqs have none.
 */
export class Timeline {
  /** The tail has every message from this seq on. */
  from;
  /** @type {Message[]} */
  #tail = [];
  /** @type {Message[] | null} */
  #window = null;
  /** Whether the reader loaded more than the tail may keep, and has not gone on since. */
  #isGrown = false;
  #loads = 0;
  /** What arrived while pages are loaded. @type {Message[]} */
  #news = [];

  /** @param {number} lastSeq  of the conversation when it became known: all later messages will be merged */
  constructor(lastSeq) {
    this.from = lastSeq + 1;
  }

  /** What the reader sees: the window, or the tail. Oldest first. */
  get shown() {
    return this.#window ?? this.#tail;
  }

  /** All that is in memory. */
  get held() {
    return this.#window ? [...this.#tail, ...this.#window] : this.#tail;
  }

  /** Whether later messages than those shown exist. */
  get hasAfter() {
    return this.#window !== null;
  }

  get hasBefore() {
    return this.firstShown > 1;
  }

  /** The seq of the oldest message shown, or of the first to come. */
  get firstShown() {
    return this.shown[0]?.seq ?? this.from;
  }

  /** @param {number} seq */
  find(seq) {
    return at(this.#tail, seq) ?? (this.#window ? at(this.#window, seq) : undefined);
  }

  /** Whether the tail has every message after `seq`, up to `lastSeq`. @param {number} seq @param {number} lastSeq */
  covers(seq, lastSeq) {
    const index = this.#tail.length - (lastSeq - seq);
    return seq + 1 >= this.from && index >= 0 && (lastSeq === seq || this.#tail[index]?.seq === seq + 1);
  }

  /** The messages of the tail after `seq`. @param {number} seq */
  after(seq) {
    return this.#tail.slice(position(this.#tail, seq + 1));
  }

  /**
   * Insert a message, or replace an older version of it. Returns whether something that is held changed.
   * @param {Message} message
   */
  merge(message) {
    if (this.#loads) put(this.#news, message);
    const inTail = message.seq >= this.from && put(this.#tail, message);
    const window = this.#window;
    const inWindow = window && message.seq <= endOf(window) && message.seq >= window[0].seq && put(window, message);
    if (inTail) this.#trim();
    return Boolean(inTail || inWindow);
  }

  /**
   * Wait for a page of history, and add it. What arrives meanwhile may be newer than the page.
   * @param {Promise<Message[]>} reading  oldest first
   * @param {boolean} [isLast]  whether the page ends with the newest message
   */
  async load(reading, isLast) {
    this.#loads += 1;
    try {
      const page = await reading;
      this.addPage(page, isLast);
      for (const message of this.#news) this.merge(message);
      return page;
    } finally {
      this.#loads -= 1;
      if (!this.#loads) this.#news = [];
    }
  }

  /**
   * Add a page of history, which has every message from its first to its last, or to the end of the conversation.
   * @param {Message[]} page  oldest first
   * @param {boolean} [isLast]  whether the page ends with the newest message
   */
  addPage(page, isLast = false) {
    if (!page.length) return;
    const last = endOf(page);
    if (isLast || last + 1 >= this.from) {
      // It meets the tail. A message that is held already is the newer one.
      for (const message of page) put(this.#tail, message);
      this.from = Math.min(this.from, page[0].seq);
      if (this.#window && endOf(this.#window) + 1 >= this.from) {
        for (const message of this.#window) put(this.#tail, message);
        this.from = Math.min(this.from, this.#window[0].seq);
        this.#window = null;
      }
      this.#isGrown = true;
      this.#trim();
    } else {
      const window = this.#window;
      const isAdjacent = window && page[0].seq <= endOf(window) + 1 && last >= window[0].seq - 1;
      if (!isAdjacent) this.#window = [...page];
      else for (const message of page) put(window, message);
      const kept = /** @type {Message[]} */ (this.#window);
      if (kept.length > TAIL) this.#window = page[0].seq === kept[0].seq ? kept.slice(0, TAIL) : kept.slice(-TAIL);
    }
  }

  /** Make room for a page of older messages: a full tail stays as it is, and the reader gets a window. */
  prepareOlder() {
    if (!this.#window && this.#tail.length + PAGE > TAIL) this.#window = this.#tail.slice(0, TAIL - PAGE);
  }

  /** Show the tail. */
  showTail() {
    this.#window = null;
    this.#isGrown = false;
    this.#trim();
  }

  #trim() {
    const limit = this.#isGrown ? 2 * TAIL : TAIL;
    if (this.#tail.length <= limit) return;
    this.#isGrown = false;
    this.#tail = this.#tail.slice(-TAIL);
    this.from = this.#tail[0].seq;
  }
}

/** The seq of the last message, or 0. @param {Message[]} messages */
export function endOf(messages) {
  return messages[messages.length - 1]?.seq ?? 0;
}

/** The index of the first message whose seq is not below `seq`. @param {Message[]} messages @param {number} seq */
function position(messages, seq) {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle].seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @param {Message[]} messages @param {number} seq */
function at(messages, seq) {
  const found = messages[position(messages, seq)];
  return found?.seq === seq ? found : undefined;
}

/** The same id, the higher modseq wins; what is read stays read. @param {Message[]} messages @param {Message} message */
function put(messages, message) {
  const index = position(messages, message.seq);
  const held = messages[index];
  if (held?.seq !== message.seq) messages.splice(index, 0, message);
  else if (message.modseq > held.modseq || (message.modseq === held.modseq && message.is_read && !held.is_read))
    messages[index] = held.is_read && !message.is_read ? { ...message, is_read: true } : message;
  else return false;
  return true;
}
