import { endOf } from './timeline.js';

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {import('./conversation.js').Conversation} Conversation
 * @typedef {import('./storage.js').Key} Key
 */

const FLUSH_DELAY = 100;
const KEPT = 500;

/** Keeps conversations and their last messages on the device. Of several tabs only the leading one writes. */
export class Keeper {
  #storage;
  #store;
  /** @type {Map<string, {key: Key, value?: any}>} */
  #dirty = new Map();
  /** @type {Set<Conversation>} */
  #dirtyRows = new Set();
  #isKeeping = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #flushing;

  /** @param {() => Promise<import('./storage.js').Storage>} storage @param {import('./store.js').Store} store */
  constructor(storage, store) {
    this.#storage = storage;
    this.#store = store;
  }

  /** What is kept of the user's conversations. @returns {Promise<ReturnType<typeof recordOf>[]>} */
  async records() {
    const kept = await (await this.#storage()).list([this.#store.userId, 'row']);
    return kept.map(({ value }) => value);
  }

  /** This tab leads: what the one before did not keep any more is asked for again. */
  async lead() {
    const positions = new Map((await this.records()).map((record) => [record.row?.id, record]));
    for (const conversation of this.#store.conversations.values()) {
      const { modseq = 0, keptFrom = Infinity } = positions.get(conversation.id) ?? {};
      conversation.keptFrom = keptFrom;
      // `lastSeq` stays: the application was told of the messages up to there.
      if (keptFrom !== Infinity) conversation.modseq = Math.min(conversation.modseq, modseq);
    }
    // What this tab heard as a follower is not kept, so the numbers of its rows may not be either.
    this.discard();
    this.#isKeeping = true;
  }

  /** This tab leads no more: it keeps what it has, and nothing from now on. */
  async rest() {
    await this.flush();
    this.#isKeeping = false;
  }

  /** Forget what is not written yet. */
  discard() {
    this.#dirty.clear();
    this.#dirtyRows.clear();
  }

  /**
   * The last messages that are kept, without a gap. None if the leading tab has not kept yet what this one knows.
   * @param {Conversation} conversation
   * @returns {Promise<Message[]>}
   */
  async read({ id, modseq, timeline }) {
    await this.flush();
    const storage = await this.#storage();
    const { userId } = this.#store;
    const record = await storage.get([userId, 'row', id]);
    if (!(record?.modseq >= modseq)) return [];
    const kept = (await storage.list([userId, 'message', id])).map(({ value }) => value);
    let first = kept.length - 1;
    while (first > 0 && kept[first - 1].seq === kept[first].seq - 1) first -= 1;
    return endOf(kept) + 1 >= timeline.from ? kept.slice(first) : [];
  }

  /** @param {Conversation} conversation @param {Message} message */
  keepMessage(conversation, message) {
    const key = [this.#store.userId, 'message', conversation.id, message.seq];
    this.#dirty.set(JSON.stringify(key), { key, value: message });
    if (message.seq < conversation.keptFrom) conversation.keptFrom = conversation.lastSeq + 1;
  }

  /** Keep the tail, after older messages were loaded. @param {Conversation} conversation */
  keepTail(conversation) {
    const { timeline } = conversation;
    if (timeline.from >= conversation.keptFrom || timeline.hasAfter || !this.#isKeeping) return;
    const until = conversation.keptFrom;
    for (const message of timeline.shown) if (message.seq < until) this.keepMessage(conversation, message);
    conversation.keptFrom = timeline.from;
    this.keepRow(conversation);
  }

  /** Keep the row, the positions and the read mark, or drop them if the row is gone. @param {Conversation} conversation */
  keepRow(conversation) {
    this.#dirtyRows.add(conversation);
    this.#flushing ??= setTimeout(() => void this.flush(), FLUSH_DELAY);
  }

  /** Drop the messages. @param {Conversation} conversation */
  drop(conversation) {
    conversation.keptFrom = Infinity;
    const prefix = [this.#store.userId, 'message', conversation.id];
    for (const [text, { key }] of this.#dirty) if (key[2] === conversation.id) this.#dirty.delete(text);
    this.#dirty.set(JSON.stringify(prefix), { key: prefix });
    this.keepRow(conversation);
  }

  /** Write what changed. */
  async flush() {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    const { userId } = this.#store;
    const writes = [...this.#dirty.values()];
    for (const conversation of this.#dirtyRows) {
      const { id, row, lastSeq, keptFrom } = conversation;
      const first = lastSeq - KEPT + 1;
      if (first - keptFrom > KEPT / 5) {
        for (let seq = keptFrom; seq < first; seq++) writes.push({ key: [userId, 'message', id, seq] });
        conversation.keptFrom = first;
      }
      writes.push({ key: [userId, 'row', id], value: row ? recordOf(conversation) : undefined });
    }
    this.discard();
    if (!writes.length || !userId || !this.#isKeeping) return;
    const storage = await this.#storage();
    const isPrefix = (/** @type {Key} */ key) => key[1] === 'message' && key.length === 3;
    for (const { key } of writes) if (isPrefix(key)) await storage.clear(key);
    await storage.write(writes.filter(({ key }) => !isPrefix(key)));
  }
}

/** What is kept of a conversation. @param {Conversation} conversation */
export function recordOf({ row, modseq, countedAt, lastSeq, keptFrom, mark }) {
  return { row, modseq, countedAt, lastSeq, keptFrom, mark };
}
