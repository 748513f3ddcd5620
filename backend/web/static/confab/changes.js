import { compare } from './value.js';

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {import('./conversation.js').Conversation} Conversation
 */

/** Applies the events of a conversation, and the pages of what was missed. */
export class Changes {
  /** The conversations whose changes are complete, while catching up; null when all are. @type {Set<string> | null} */
  settled = null;
  #store;
  #context;
  /** The new messages that came while catching up, by id. @type {Map<number, Message>} */
  #missed = new Map();
  /** The modseqs of the messages that came while catching up, by id: a later page may be older. @type {Map<number, number>} */
  #newest = new Map();

  /** @param {import('./store.js').Store} store @param {import('./store.js').StoreContext} context */
  constructor(store, context) {
    this.#store = store;
    this.#context = context;
  }

  /** The resume is complete: tell of the new messages, in the order of each conversation. */
  complete() {
    const missed = [...this.#missed.values()];
    this.#missed.clear();
    this.#newest.clear();
    this.settled = null;
    missed.sort((a, b) => compare(a.created_at, b.created_at) || a.seq - b.seq);
    for (const message of missed) this.#context.emit('message', message);
  }

  /** @param {Conversation} conversation @param {any} frame */
  event(conversation, frame) {
    const { rows, userId, typingExpires } = this.#store;
    const { row } = conversation;
    conversation.version += 1;
    if (frame.type === 'typing') conversation.typists.set(frame.user_id, frame.is_typing, typingExpires * 1000 + 1000);
    else if (frame.type === 'read') this.#readMark(conversation, frame);
    else if (frame.type === 'inbox.updated' && row) {
      const { is_muted, is_pinned, last_read_seq } = frame;
      rows.set(conversation, { ...row, is_muted, is_pinned, last_read_seq: rows.newMark(conversation, last_read_seq) });
    } else if (frame.type === 'room.updated' && row) rows.set(conversation, { ...row, room: frame.room });
    else if (!row) {
      rows.refresh(conversation); // a new room or direct conversation: its row has the numbers
      if (frame.type === 'message.created') this.#context.emit('message', frame.message);
    } else if (frame.message) {
      this.#message(conversation, frame.message);
      if (frame.message.sender_id !== userId) conversation.typists.set(frame.message.sender_id, false);
      this.#advance(conversation, frame.modseq, frame.message.seq);
    } else if (frame.type.startsWith('member.')) {
      conversation.memberList.change(frame);
      this.#advance(conversation, frame.modseq, 0);
    }
  }

  /** @param {Conversation} conversation @param {number} modseq @param {number} seq */
  #advance(conversation, modseq, seq) {
    // Before its changes are complete, an event is ahead of what is missing, and /sync tells of it again.
    if (!this.settled || this.settled.has(conversation.id)) {
      conversation.modseq = Math.max(conversation.modseq, modseq);
      conversation.lastSeq = Math.max(conversation.lastSeq, seq);
    }
    const { row } = conversation;
    if (row) this.#store.rows.set(conversation, { ...row, last_modseq: Math.max(row.last_modseq, modseq) });
  }

  /** Apply what changed in a conversation, as /sync answers it. @param {any} page */
  page(page) {
    const { rows } = this.#store;
    const conversation = this.#store.conversation(page.id);
    if (!conversation.row) return rows.refresh(conversation);
    const counted = conversation.countedAt;
    for (const message of page.messages) this.#message(conversation, message);
    for (const member of page.members) conversation.memberList.change(member);
    if (page.truncated) {
      const numbers = [...page.messages, ...page.members].map(({ modseq }) => modseq);
      conversation.modseq = Math.max(conversation.modseq, ...numbers);
      return;
    }
    conversation.modseq = Math.max(conversation.modseq, page.last_modseq);
    conversation.lastSeq = Math.max(conversation.lastSeq, page.last_seq);
    this.settled?.add(conversation.id);
    const { last_seq, last_modseq, unread_count } = page;
    const last_read_seq = rows.newMark(conversation, page.last_read_seq);
    if (page.messages.some((/** @type {Message} */ { modseq }) => modseq > counted)) rows.recount(conversation);
    conversation.countedAt = last_modseq;
    rows.set(
      conversation,
      { ...conversation.row, last_seq, last_modseq, last_read_seq, unread_count },
      last_read_seq === page.last_read_seq,
    );
  }

  /** @param {Conversation} conversation @param {Message} message */
  #message(conversation, message) {
    const { rows, keeper, outbox } = this.#store;
    const { row, timeline } = conversation;
    if (!row || (this.#newest.get(message.id) ?? 0) > message.modseq) return;
    if (this.settled) this.#newest.set(message.id, message.modseq);
    const before = timeline.find(message.seq);
    const isNew = message.seq > conversation.lastSeq && !this.#missed.has(message.id);
    if (isNew && this.settled) this.#missed.set(message.id, message);
    else if (isNew) this.#context.emit('message', message);
    if (before && before.modseq > message.modseq) return;
    if (timeline.merge(message)) conversation.messages.invalidate();
    if (message.recipient_id && !message.is_read) conversation.setAllRead();
    if (message.seq >= conversation.keptFrom || isNew) keeper.keepMessage(conversation, message);
    outbox.arrived(message);
    const changed = { ...row, last_seq: Math.max(row.last_seq, message.seq) };
    if (!row.last_message || message.seq >= row.last_message.seq) changed.last_message = message;
    if (message.modseq > conversation.countedAt && message.seq > row.last_read_seq) {
      if (message.seq > row.last_seq) {
        changed.unread_count += Number(rows.isUnread(message));
        changed.mention_count += Number(rows.isMention(message));
      } else rows.recount(conversation);
    }
    rows.set(conversation, changed);
  }

  /** @param {Conversation} conversation @param {any} frame */
  #readMark(conversation, { user_id, seq }) {
    if (user_id !== this.#store.userId) {
      conversation.readers.set({ ...conversation.readers.value, [user_id]: seq });
      conversation.setRead(user_id, seq);
    } else if (conversation.row) {
      const { rows } = this.#store;
      rows.set(conversation, { ...conversation.row, last_read_seq: rows.newMark(conversation, seq) });
    }
  }
}
