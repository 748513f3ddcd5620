import { Changes } from './changes.js';
import { Conversation } from './conversation.js';
import { Keeper, recordOf } from './keeper.js';
import { Rows } from './rows.js';
import { endOf, Timeline } from './timeline.js';
import { compare, Value } from './value.js';

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {import('./types.js').InboxRow} InboxRow
 * @typedef {{
 *   emit: (name: string, value: any) => void, mayRead: () => boolean, ask: (id: string) => void, share: (row: InboxRow) => void,
 *   send: (frame: any) => void
 * }} StoreContext  `mayRead`: whether this tab reads rows, as the leading one does unless it waits to
 *   connect, which brings all rows; `ask`: have the leading tab read a row anew; `share`: take it over in all tabs
 */

/** What is known of the signed-in user's conversations. The same frames in the same order lead to the same state, in every tab. */
export class Store {
  /** @type {Map<string, Conversation>} */
  conversations = new Map();
  inbox = new Value(/** @type {InboxRow[]} */ ([]), () => this.#sortedRows());
  online = new Value(/** @type {number[]} */ ([]));
  userId = 0;
  typingExpires = 6;
  api;
  outbox;
  keeper;
  rows;
  changes;
  #context;

  /**
   * @param {import('./api.js').Api} api
   * @param {() => Promise<import('./storage.js').Storage>} storage
   * @param {import('./outbox.js').Outbox} outbox
   * @param {StoreContext} context
   */
  constructor(api, storage, outbox, context) {
    this.api = api;
    this.outbox = outbox;
    this.#context = context;
    this.keeper = new Keeper(storage, this);
    this.rows = new Rows(this, context);
    this.changes = new Changes(this, context);
  }

  /** @param {string} id */
  conversation(id) {
    let conversation = this.conversations.get(id);
    if (!conversation) {
      conversation = new Conversation(id, this);
      this.conversations.set(id, conversation);
    }
    return conversation;
  }

  /** Another user is signed in, or nobody (0): show what is kept on the device of that user. @param {number} userId */
  async enter(userId) {
    for (const conversation of this.conversations.values()) this.#forget(conversation);
    this.keeper.discard();
    this.userId = userId;
    this.online.set([]);
    if (!userId) return;
    for (const record of await this.keeper.records()) this.#take(record);
    await Promise.all(this.#open().map((conversation) => conversation.loadKept()));
  }

  /** What a new tab needs, besides what is kept on the device. */
  snapshot() {
    return { online: this.online.value, settled: this.changes.settled, conversations: this.#known().map(recordOf) };
  }

  /** Take over the snapshot of the leading tab. @param {ReturnType<Store['snapshot']>} snapshot */
  takeSnapshot({ online, settled, conversations }) {
    this.online.set(online);
    this.#forgetOthers(conversations.map(({ row }) => row?.id));
    for (const record of conversations) this.#take(record);
    this.changes.settled = settled && new Set(settled);
    for (const conversation of this.#open()) void conversation.open().catch(() => {});
  }

  /** The conversations in the inbox. */
  #known() {
    return [...this.conversations.values()].filter(({ row }) => row);
  }

  /** Forget the conversations in the inbox that are none of `ids`. @param {(string | undefined)[]} ids */
  #forgetOthers(ids) {
    const kept = new Set(ids);
    for (const conversation of this.#known()) if (!kept.has(conversation.id)) this.#forget(conversation);
  }

  #open() {
    return [...this.conversations.values()].filter(({ isOpen }) => isOpen);
  }

  /** @param {ReturnType<typeof recordOf>} record  as it is kept on the device */
  #take(record) {
    const { row, modseq, lastSeq } = record;
    const conversation = this.conversation(/** @type {InboxRow} */ (row).id);
    if (conversation.modseq < modseq) conversation.timeline = new Timeline(lastSeq);
    Object.assign(conversation, record);
    for (const value of [conversation.info, conversation.messages, this.inbox]) value.invalidate();
  }

  /** The positions from which to resume: of the conversations in the inbox. */
  positions() {
    return Object.fromEntries(this.#known().map(({ id, modseq }) => [id, modseq]));
  }

  /** Take over the whole inbox, before a resume. @param {InboxRow[]} rows */
  takeInbox(rows) {
    this.#forgetOthers(rows.map(({ id }) => id));
    const isFirst = !this.#known().length;
    for (const row of rows) {
      const { row: before, modseq } = this.conversation(row.id);
      if (!before && !isFirst && row.unread_count) void this.#tellUnread(row).catch(() => {});
      if (before && row.last_modseq < modseq) this.#clear(this.conversation(row.id)); // the server was restored from a backup
      this.rows.take(row);
    }
  }

  /** The resume is complete. */
  caughtUp() {
    this.changes.complete();
    for (const conversation of this.conversations.values()) {
      conversation.messages.invalidate();
      void conversation.refill().catch(() => {});
    }
  }

  /** Tell of the messages in a conversation that began while this device was away. @param {InboxRow} row */
  async #tellUnread({ id, last_seq, last_read_seq }) {
    for (let seq = last_read_seq; seq < last_seq; ) {
      const page = /** @type {Message[]} */ (
        await this.api.get(`/api/chat/messages?conversation_id=${id}&limit=100&after=${seq}`)
      );
      for (const message of page) if (message.seq <= last_seq) this.#context.emit('message', message);
      seq = endOf(page) || last_seq;
    }
  }

  /** @param {Message} message */
  takeMessage(message) {
    const conversation = this.conversation(message.conversation_id);
    // Its event brings the modseq and the counts; here only what is shown changes early.
    if (conversation.row && conversation.timeline.merge(message)) conversation.messages.invalidate();
  }

  /** Apply a frame of the server. @param {any} frame */
  apply(frame) {
    const conversation = frame.conversation_id && this.conversation(frame.conversation_id);
    if (frame.type === 'ready') {
      this.typingExpires = frame.typing_expires;
      this.online.set(frame.online);
      this.changes.settled = new Set();
      for (const { typists } of this.conversations.values()) typists.clear();
    } else if (frame.type === 'resumed') {
      for (const page of frame.conversations) this.changes.page(page);
      for (const id of frame.gone) this.#forget(this.conversation(id));
    } else if (frame.type === 'presence') {
      const others = this.online.value.filter((id) => id !== frame.user_id);
      this.online.set(frame.status === 'online' ? [...others, frame.user_id] : others);
    } else if (frame.type === 'room.deleted' || (frame.type === 'member.left' && frame.user_id === this.userId)) {
      if (conversation) this.#forget(conversation);
    } else if (conversation) this.changes.event(conversation, frame);
    this.#context.emit(frame.type, frame);
  }

  /** @param {Conversation} conversation */
  #forget(conversation) {
    conversation.row = null;
    this.#clear(conversation);
    conversation.memberList.forget();
    conversation.mark = 0;
    conversation.typists.clear();
    conversation.readers.set({});
    for (const value of [conversation.info, this.inbox]) value.invalidate();
  }

  /** Drop the messages, in memory and on the device. @param {Conversation} conversation */
  #clear(conversation) {
    conversation.timeline = new Timeline(0);
    conversation.modseq = conversation.lastSeq = conversation.countedAt = 0;
    conversation.messages.invalidate();
    this.keeper.drop(conversation);
  }

  #sortedRows() {
    const rows = this.#known().map(({ row }) => /** @type {InboxRow} */ (row));
    return rows.sort((a, b) => compare(activity(b), activity(a)) || compare(a.id, b.id));
  }

  /** @param {string} id @param {boolean} isTyping */
  sendTyping(id, isTyping) {
    this.#context.send({ type: 'typing', conversation_id: id, is_typing: isTyping });
  }
}

/** @param {InboxRow} row */
function activity(row) {
  return row.last_message?.created_at ?? row.room?.joined_at ?? '';
}
