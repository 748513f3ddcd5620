import { Timeline } from './timeline.js';

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {import('./types.js').InboxRow} InboxRow
 * @typedef {import('./conversation.js').Conversation} Conversation
 */

/** The rows of the inbox: their counts are computed where all unread messages are at hand, and else read again. */
export class Rows {
  #store;
  #context;
  /** The conversations whose rows are read again. @type {Set<Conversation>} */
  #stale = new Set();

  /** @param {import('./store.js').Store} store @param {import('./store.js').StoreContext} context */
  constructor(store, context) {
    this.#store = store;
    this.#context = context;
  }

  /**
   * Take over a row that the server answered. It is read again if an event came meanwhile, because the answer may be older.
   * @param {InboxRow} row
   * @param {number} [version]  of the conversation, before the call
   */
  take(row, version = Infinity) {
    const conversation = this.#store.conversation(row.id);
    if (!conversation.modseq) {
      conversation.modseq = row.last_modseq;
      conversation.lastSeq = row.last_seq;
      conversation.timeline = new Timeline(row.last_seq);
    }
    if (row.last_modseq < conversation.modseq) return this.refresh(conversation); // events came meanwhile
    if (version < conversation.version) this.refresh(conversation);
    conversation.countedAt = row.last_modseq;
    const last_read_seq = Math.max(row.last_read_seq, conversation.mark);
    this.set(conversation, { ...row, last_read_seq }, last_read_seq === row.last_read_seq);
    void conversation.pushMark();
    if (!this.#store.changes.settled) void conversation.refill().catch(() => {});
  }

  /**
   * Replace the row, with counts from the messages where all unread ones are at hand.
   * @param {Conversation} conversation
   * @param {InboxRow} row
   * @param {boolean} [isCounted]  whether the counts are those of the server for this read mark
   */
  set(conversation, row, isCounted = row.last_read_seq === conversation.row?.last_read_seq) {
    if (row.last_read_seq >= row.last_seq) row = { ...row, unread_count: 0, mention_count: 0 };
    else if (conversation.modseq >= row.last_modseq && conversation.timeline.covers(row.last_read_seq, row.last_seq)) {
      const unread = conversation.timeline.after(row.last_read_seq).filter((message) => this.isUnread(message));
      row = { ...row, unread_count: unread.length, mention_count: unread.filter((message) => this.isMention(message)).length };
    } else if (!isCounted && !conversation.mark) this.refresh(conversation); // else the answer to the mark has the counts
    const isMoved = row.last_read_seq !== conversation.row?.last_read_seq;
    conversation.row = row;
    if (isMoved) conversation.setRead(this.#store.userId, row.last_read_seq);
    conversation.info.invalidate();
    this.#store.inbox.invalidate();
    this.#store.keeper.keepRow(conversation);
  }

  /**
   * The read mark after the news that it is at `seq`. News may be late, so one that goes back is asked for. While a mark is sent,
   * that happens after its answer: an earlier call could be answered without that mark.
   * @param {Conversation} conversation @param {number} seq
   */
  newMark(conversation, seq) {
    const mark = conversation.row?.last_read_seq ?? 0;
    if (seq < mark) {
      if (conversation.mark) conversation.isSetBack = true;
      else this.refresh(conversation);
    }
    return Math.max(seq, mark);
  }

  /** @param {Message} message */
  isUnread(message) {
    return message.sender_id !== this.#store.userId && !message.deleted_at;
  }

  /** @param {Message} message */
  isMention(message) {
    return this.isUnread(message) && (message.mentions_room || message.mentions.includes(this.#store.userId));
  }

  /** Read the row anew, unless its counts can be computed from what is at hand. @param {Conversation} conversation */
  recount(conversation) {
    const { row } = conversation;
    if (row && !conversation.timeline.covers(row.last_read_seq, row.last_seq)) this.refresh(conversation);
  }

  /**
   * Read the row anew, because it cannot be known from what is at hand. The leading tab reads it, for all tabs: it may
   * hold messages that this one lacks, so it does not know by itself that the row is needed.
   * @param {Conversation} conversation
   */
  refresh(conversation) {
    if (!this.#context.mayRead()) return this.#context.ask(conversation.id);
    if (!this.#stale.size) setTimeout(() => void this.#refreshStale(), 50);
    this.#stale.add(conversation);
  }

  async #refreshStale() {
    const stale = [...this.#stale];
    this.#stale.clear();
    for (const conversation of stale) {
      const { version } = conversation;
      try {
        const row = await this.#store.api.get(`/api/chat/conversations/${conversation.id}`);
        if (conversation.version !== version) this.refresh(conversation);
        else this.#context.share(row);
      } catch (error) {
        // Gone, or the server is away for now.
        const { isTemporary, retryAfter = 1 } = /** @type {import('./api.js').ApiError} */ (error);
        if (isTemporary) setTimeout(() => this.refresh(conversation), 1000 * retryAfter);
      }
    }
  }
}
