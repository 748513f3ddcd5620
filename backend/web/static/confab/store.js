import { Conversation } from './conversation.js';
import { Timeline } from './timeline.js';
import { compare, Value } from './value.js';

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {import('./types.js').InboxRow} InboxRow
 * @typedef {import('./types.js').Member} Member
 * @typedef {import('./storage.js').Key} Key
 */

const FLUSH_DELAY = 100;
const KEPT = 500;

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
  #storage;
  #context;
  /** @type {Map<string, {key: Key, value?: any}>} */
  #dirty = new Map();
  /** @type {Set<Conversation>} */
  #dirtyRows = new Set();
  #isKeeping = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #flushing;
  /** @type {Set<Conversation>} */
  #stale = new Set();
  /** The conversations whose changes are complete, while catching up; null when all are. @type {Set<string> | null} */
  #settled = null;
  /** The new messages that came while catching up, by id. @type {Map<number, Message>} */
  #missed = new Map();
  /** The modseqs of the messages that came while catching up, by id: a later page may be older. @type {Map<number, number>} */
  #newest = new Map();

  /**
   * @param {import('./api.js').Api} api
   * @param {() => Promise<import('./storage.js').Storage>} storage
   * @param {import('./outbox.js').Outbox} outbox
   * @param {{emit: (name: string, value: any) => void, isLeader: () => boolean, share: (row: InboxRow) => void, send: (frame: any) => void}} context
   */
  constructor(api, storage, outbox, context) {
    this.api = api;
    this.outbox = outbox;
    this.#storage = storage;
    this.#context = context;
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
    this.#dirty.clear();
    this.#dirtyRows.clear();
    this.userId = userId;
    this.online.set([]);
    if (!userId) return;
    for (const { value } of await (await this.#storage()).list([userId, 'row'])) this.#take(value);
    await Promise.all(this.#open().map((conversation) => conversation.loadKept()));
  }

  /** This tab becomes the leader: what the one before did not keep any more is asked for again. */
  async lead() {
    const kept = await (await this.#storage()).list([this.userId, 'row']);
    const positions = new Map(kept.map(({ value }) => [value.row.id, value]));
    for (const conversation of this.conversations.values()) {
      const { modseq = 0, lastSeq = 0, keptFrom = Infinity } = positions.get(conversation.id) ?? {};
      conversation.keptFrom = keptFrom;
      if (keptFrom === Infinity || modseq >= conversation.modseq) continue;
      conversation.modseq = modseq;
      conversation.lastSeq = lastSeq;
    }
    // What this tab heard as a follower is not kept, so the numbers of its rows may not be either.
    this.#dirty.clear();
    this.#dirtyRows.clear();
    this.#isKeeping = true;
  }

  /** This tab leads no more: it keeps what it has, and nothing from now on. */
  async rest() {
    await this.flush();
    this.#isKeeping = false;
  }

  /** What a new tab needs, besides what is kept on the device. */
  snapshot() {
    const conversations = [...this.conversations.values()].filter(({ row }) => row).map(recordOf);
    return { online: this.online.value, settled: this.#settled, conversations };
  }

  /** Take over the snapshot of the leading tab. @param {ReturnType<Store['snapshot']>} snapshot */
  takeSnapshot({ online, settled, conversations }) {
    this.online.set(online);
    const ids = new Set(conversations.map(({ row }) => row?.id));
    for (const conversation of this.conversations.values())
      if (conversation.row && !ids.has(conversation.id)) this.#forget(conversation);
    for (const record of conversations) this.#take(record);
    this.#settled = settled && new Set(settled);
    for (const conversation of this.#open()) void conversation.open().catch(() => {});
  }

  #open() {
    return [...this.conversations.values()].filter(({ isOpen }) => isOpen);
  }

  /** @param {ReturnType<typeof recordOf>} record  as it is kept on the device */
  #take(record) {
    const { row, modseq, countedAt, lastSeq, keptFrom, mark } = record;
    const conversation = this.conversation(/** @type {InboxRow} */ (row).id);
    if (conversation.modseq < modseq) conversation.timeline = new Timeline(lastSeq);
    Object.assign(conversation, { row, modseq, countedAt, lastSeq, keptFrom, mark });
    for (const value of [conversation.info, conversation.messages, this.inbox]) value.invalidate();
  }

  /** The positions from which to resume: of the conversations in the inbox. */
  positions() {
    const known = [...this.conversations.values()].filter(({ row }) => row);
    return Object.fromEntries(known.map(({ id, modseq }) => [id, modseq]));
  }

  /** Take over the whole inbox, before a resume. @param {InboxRow[]} rows */
  takeInbox(rows) {
    const ids = new Set(rows.map(({ id }) => id));
    for (const conversation of this.conversations.values())
      if (conversation.row && !ids.has(conversation.id)) this.#forget(conversation);
    const isFirst = ![...this.conversations.values()].some(({ row }) => row);
    for (const row of rows) {
      const { row: before, modseq } = this.conversation(row.id);
      if (!before && !isFirst && row.unread_count) void this.#tellUnread(row).catch(() => {});
      if (before && row.last_modseq < modseq) this.#clear(this.conversation(row.id)); // the server was restored from a backup
      this.takeRow(row);
    }
  }

  /** The resume is complete: tell of the new messages, in the order of each conversation. */
  caughtUp() {
    const missed = [...this.#missed.values()];
    this.#missed.clear();
    this.#newest.clear();
    this.#settled = null;
    missed.sort((a, b) => compare(a.created_at, b.created_at) || a.seq - b.seq);
    for (const message of missed) this.#context.emit('message', message);
    for (const conversation of this.conversations.values()) {
      conversation.messages.invalidate();
      if (conversation.mark !== null) void conversation.pushMark();
      void conversation.refill().catch(() => {});
    }
  }

  /** Take over a row that the server answered. @param {InboxRow} row */
  takeRow(row) {
    const conversation = this.conversation(row.id);
    if (!conversation.modseq) {
      conversation.modseq = row.last_modseq;
      conversation.lastSeq = row.last_seq;
      conversation.timeline = new Timeline(row.last_seq);
    } else if (row.last_modseq < conversation.modseq) return this.#refresh(conversation); // events came meanwhile
    conversation.countedAt = row.last_modseq;
    const last_read_seq = Math.max(row.last_read_seq, conversation.mark ?? 0);
    this.setRow(conversation, { ...row, last_read_seq }, last_read_seq === row.last_read_seq);
    if (!this.#settled) void conversation.refill().catch(() => {});
  }

  /**
   * Replace the row, with counts from the messages where all unread ones are at hand.
   * @param {Conversation} conversation
   * @param {InboxRow} row
   * @param {boolean} [isCounted]  whether the counts are those of the server for this read mark
   */
  setRow(conversation, row, isCounted = row.last_read_seq === conversation.row?.last_read_seq) {
    if (row.last_read_seq >= row.last_seq) row = { ...row, unread_count: 0, mention_count: 0 };
    else if (conversation.modseq >= row.last_modseq && conversation.timeline.covers(row.last_read_seq, row.last_seq)) {
      const unread = conversation.timeline.after(row.last_read_seq).filter((message) => this.#isUnread(message));
      row = { ...row, unread_count: unread.length, mention_count: unread.filter((message) => this.#isMention(message)).length };
    } else if (!isCounted) this.#refresh(conversation);
    const isMoved = row.last_read_seq !== conversation.row?.last_read_seq;
    conversation.row = row;
    if (isMoved) this.setRead(conversation, this.userId, row.last_read_seq);
    conversation.info.invalidate();
    this.inbox.invalidate();
    this.#dirtyRows.add(conversation);
    this.#scheduleFlush();
  }

  /** Tell of the messages in a conversation that began while this device was away. @param {InboxRow} row */
  async #tellUnread({ id, last_seq, last_read_seq }) {
    for (let seq = last_read_seq; seq < last_seq; ) {
      const page = /** @type {Message[]} */ (
        await this.api.get(`/api/chat/messages?conversation_id=${id}&limit=100&after=${seq}`)
      );
      for (const message of page) if (message.seq <= last_seq) this.#context.emit('message', message);
      seq = page[page.length - 1]?.seq ?? last_seq;
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
    const conversation = frame.conversation_id ? this.conversation(frame.conversation_id) : null;
    if (frame.type === 'ready') {
      this.typingExpires = frame.typing_expires;
      this.online.set(frame.online);
      this.#settled = new Set();
      for (const each of this.conversations.values()) each.clearTyping();
    } else if (frame.type === 'resumed') {
      for (const page of frame.conversations) this.#page(page);
      for (const id of frame.gone) this.#forget(this.conversation(id));
    } else if (frame.type === 'presence') {
      const others = this.online.value.filter((id) => id !== frame.user_id);
      this.online.set(frame.status === 'online' ? [...others, frame.user_id] : others);
    } else if (frame.type === 'room.deleted' || (frame.type === 'member.left' && frame.user_id === this.userId)) {
      if (conversation) this.#forget(conversation);
    } else if (conversation) this.#event(conversation, frame);
    this.#context.emit(frame.type, frame);
  }

  /** @param {Conversation} conversation @param {any} frame */
  #event(conversation, frame) {
    const { row } = conversation;
    conversation.version += 1;
    if (frame.type === 'typing') conversation.setTyping(frame.user_id, frame.is_typing, this.typingExpires * 1000 + 1000);
    else if (frame.type === 'read') this.#readMark(conversation, frame);
    else if (frame.type === 'inbox.updated' && row) {
      const { is_muted, is_pinned, last_read_seq } = frame;
      this.setRow(conversation, { ...row, is_muted, is_pinned, last_read_seq: Math.max(last_read_seq, conversation.mark ?? 0) });
    } else if (frame.type === 'room.updated' && row) this.setRow(conversation, { ...row, room: frame.room });
    else if (!row) {
      this.#refresh(conversation); // a new room or direct conversation: its row has the numbers
      if (frame.type === 'message.created') this.#context.emit('message', frame.message);
    } else if (frame.message) {
      this.#message(conversation, frame.message);
      if (frame.message.sender_id !== this.userId) conversation.setTyping(frame.message.sender_id, false, 0);
      this.#advance(conversation, frame.modseq, frame.message.seq);
    } else if (frame.type.startsWith('member.')) {
      this.#member(conversation, frame);
      this.#advance(conversation, frame.modseq, 0);
    }
  }

  /** @param {Conversation} conversation @param {number} modseq @param {number} seq */
  #advance(conversation, modseq, seq) {
    // Before its changes are complete, an event is ahead of what is missing, and /sync tells of it again.
    if (!this.#settled || this.#settled.has(conversation.id)) {
      conversation.modseq = Math.max(conversation.modseq, modseq);
      conversation.lastSeq = Math.max(conversation.lastSeq, seq);
    }
    if (conversation.row)
      this.setRow(conversation, { ...conversation.row, last_modseq: Math.max(conversation.row.last_modseq, modseq) });
  }

  /** Apply what changed in a conversation, as /sync answers it. @param {any} page */
  #page(page) {
    const conversation = this.conversation(page.id);
    if (!conversation.row) return this.#refresh(conversation);
    const counted = conversation.countedAt;
    for (const message of page.messages) this.#message(conversation, message);
    for (const member of page.members) this.#member(conversation, member);
    if (page.truncated) {
      const numbers = [...page.messages, ...page.members].map(({ modseq }) => modseq);
      conversation.modseq = Math.max(conversation.modseq, ...numbers);
      return;
    }
    conversation.modseq = Math.max(conversation.modseq, page.last_modseq);
    conversation.lastSeq = Math.max(conversation.lastSeq, page.last_seq);
    this.#settled?.add(conversation.id);
    const { last_seq, last_modseq, unread_count } = page;
    const last_read_seq = Math.max(page.last_read_seq, conversation.mark ?? 0);
    if (page.messages.some((/** @type {Message} */ { modseq }) => modseq > counted)) this.#refreshUnlessCovered(conversation);
    conversation.countedAt = last_modseq;
    this.setRow(
      conversation,
      { ...conversation.row, last_seq, last_modseq, last_read_seq, unread_count },
      last_read_seq === page.last_read_seq,
    );
  }

  /** @param {Conversation} conversation @param {Message} message */
  #message(conversation, message) {
    const { row, timeline } = conversation;
    if (!row || (this.#newest.get(message.id) ?? 0) > message.modseq) return;
    if (this.#settled) this.#newest.set(message.id, message.modseq);
    const before = timeline.find(message.seq);
    const isNew = message.seq > conversation.lastSeq && !this.#missed.has(message.id);
    if (isNew && this.#settled) this.#missed.set(message.id, message);
    else if (isNew) this.#context.emit('message', message);
    if (before && before.modseq > message.modseq) return;
    if (timeline.merge(message)) conversation.messages.invalidate();
    if (message.seq >= conversation.keptFrom || isNew) this.#keepMessage(conversation, message);
    this.outbox.arrived(message);
    const changed = { ...row, last_seq: Math.max(row.last_seq, message.seq) };
    if (!row.last_message || message.seq >= row.last_message.seq) changed.last_message = message;
    if (message.modseq > conversation.countedAt && message.seq > row.last_read_seq) {
      if (message.seq > row.last_seq) {
        changed.unread_count += Number(this.#isUnread(message));
        changed.mention_count += Number(this.#isMention(message));
      } else this.#refreshUnlessCovered(conversation);
    }
    this.setRow(conversation, changed);
  }

  /** @param {Message} message */
  #isUnread(message) {
    return message.sender_id !== this.userId && !message.deleted_at;
  }

  /** @param {Message} message */
  #isMention(message) {
    return this.#isUnread(message) && (message.mentions_room || message.mentions.includes(this.userId));
  }

  /** @param {Conversation} conversation @param {any} frame */
  #readMark(conversation, frame) {
    if (frame.user_id !== this.userId) {
      conversation.readers.set({ ...conversation.readers.value, [frame.user_id]: frame.seq });
      this.setRead(conversation, frame.user_id, frame.seq);
    } else if (conversation.row && conversation.mark === null) {
      this.setRow(conversation, { ...conversation.row, last_read_seq: frame.seq });
    }
  }

  /** The direct messages to a user are read up to `seq`. @param {Conversation} conversation @param {number} userId @param {number} seq */
  setRead(conversation, userId, seq) {
    for (const message of conversation.timeline.held) {
      const isRead = message.seq <= seq && message.recipient_id === userId && !message.is_read;
      if (isRead && conversation.timeline.merge({ ...message, is_read: true })) conversation.messages.invalidate();
    }
  }

  /** @param {Conversation} conversation @param {any} change  an event, or a membership of /sync */
  #member(conversation, change) {
    const members = conversation.memberMap;
    if (!members) return;
    const { user_id, is_admin } = change;
    const before = members.get(user_id);
    if (change.left_at || change.type === 'member.left') members.delete(user_id);
    else if (change.user || before) {
      members.set(user_id, { joined_at: change.joined_at ?? null, user: change.user, ...before, is_admin });
    } else void this.#addMember(conversation, user_id, is_admin);
    conversation.members.invalidate();
  }

  /** @param {Conversation} conversation @param {number} userId @param {boolean} isAdmin */
  async #addMember(conversation, userId, isAdmin) {
    const user = await this.api.get(`/api/users/${userId}`).catch(() => null);
    if (user) conversation.memberMap?.set(userId, { user, is_admin: isAdmin, joined_at: new Date().toISOString() });
    conversation.members.invalidate();
  }

  /** @param {Conversation} conversation */
  #forget(conversation) {
    conversation.row = null;
    this.#clear(conversation);
    conversation.memberMap = null;
    conversation.mark = null;
    conversation.clearTyping();
    conversation.readers.set({});
    for (const value of [conversation.info, conversation.members, this.inbox]) value.invalidate();
  }

  /** Drop the messages, in memory and on the device. @param {Conversation} conversation */
  #clear(conversation) {
    conversation.timeline = new Timeline(0);
    conversation.modseq = conversation.lastSeq = conversation.countedAt = 0;
    conversation.keptFrom = Infinity;
    conversation.messages.invalidate();
    const prefix = [this.userId, 'message', conversation.id];
    for (const [text, { key }] of this.#dirty) if (key[2] === conversation.id) this.#dirty.delete(text);
    this.#dirty.set(JSON.stringify(prefix), { key: prefix });
    this.#dirtyRows.add(conversation);
    this.#scheduleFlush();
  }

  /** @param {Conversation} conversation */
  #refreshUnlessCovered(conversation) {
    const { row } = conversation;
    if (row && !conversation.timeline.covers(row.last_read_seq, row.last_seq)) this.#refresh(conversation);
  }

  /** Read the row anew, because its counts cannot be known from what is at hand. @param {Conversation} conversation */
  #refresh(conversation) {
    if (!this.#context.isLeader()) return;
    if (!this.#stale.size) setTimeout(() => void this.#refreshStale(), 50);
    this.#stale.add(conversation);
  }

  async #refreshStale() {
    const stale = [...this.#stale];
    this.#stale.clear();
    for (const conversation of stale) {
      const { version } = conversation;
      try {
        const row = await this.api.get(`/api/chat/conversations/${conversation.id}`);
        if (conversation.version !== version) this.#refresh(conversation);
        else {
          this.takeRow(row);
          this.#context.share(row);
        }
      } catch {} // gone, or the next catching up brings it
    }
  }

  #sortedRows() {
    const rows = [...this.conversations.values()].flatMap(({ row }) => row ?? []);
    return rows.sort((a, b) => compare(activity(b), activity(a)) || compare(a.id, b.id));
  }

  // What is kept on the device

  /** @param {Conversation} conversation */
  async loadKept(conversation) {
    if (conversation.keptFrom !== Infinity) await conversation.timeline.load(this.#readKept(conversation));
    conversation.messages.invalidate();
  }

  /**
   * The last messages that are kept, without a gap. None if the leading tab has not kept yet what this one knows.
   * @param {Conversation} conversation
   * @returns {Promise<Message[]>}
   */
  async #readKept({ id, modseq, timeline }) {
    await this.flush();
    const storage = await this.#storage();
    const record = await storage.get([this.userId, 'row', id]);
    if (!(record?.modseq >= modseq)) return [];
    const kept = (await storage.list([this.userId, 'message', id])).map(({ value }) => value);
    let first = kept.length - 1;
    while (first > 0 && kept[first - 1].seq === kept[first].seq - 1) first -= 1;
    return kept[first]?.seq && kept[kept.length - 1].seq + 1 >= timeline.from ? kept.slice(first) : [];
  }

  /** @param {Conversation} conversation @param {Message} message */
  #keepMessage(conversation, message) {
    const key = [this.userId, 'message', conversation.id, message.seq];
    this.#dirty.set(JSON.stringify(key), { key, value: message });
    if (message.seq < conversation.keptFrom) conversation.keptFrom = conversation.lastSeq + 1;
  }

  /** Keep the tail, after older messages were loaded. @param {Conversation} conversation */
  keepPage(conversation) {
    const { timeline } = conversation;
    if (timeline.from >= conversation.keptFrom || timeline.hasAfter || !this.#isKeeping) return;
    const until = conversation.keptFrom;
    for (const message of timeline.shown) if (message.seq < until) this.#keepMessage(conversation, message);
    conversation.keptFrom = timeline.from;
    this.#dirtyRows.add(conversation);
    this.#scheduleFlush();
  }

  /** @param {Conversation} conversation */
  keepMark(conversation) {
    this.#dirtyRows.add(conversation);
    this.#scheduleFlush();
  }

  #scheduleFlush() {
    if (this.#flushing === undefined) this.#flushing = setTimeout(() => void this.flush(), FLUSH_DELAY);
  }

  /** Write what changed. Only the leading tab writes, but for read marks. */
  async flush() {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    const writes = [...this.#dirty.values()];
    for (const conversation of this.#dirtyRows) {
      const { id, row, lastSeq, keptFrom } = conversation;
      const first = lastSeq - KEPT + 1;
      if (first - keptFrom > KEPT / 5) {
        for (let seq = keptFrom; seq < first; seq++) writes.push({ key: [this.userId, 'message', id, seq] });
        conversation.keptFrom = first;
      }
      writes.push({ key: [this.userId, 'row', id], value: row ? recordOf(conversation) : undefined });
    }
    this.#dirty.clear();
    this.#dirtyRows.clear();
    if (!writes.length || !this.userId || !this.#isKeeping) return;
    const storage = await this.#storage();
    const isPrefix = (/** @type {Key} */ key) => key[1] === 'message' && key.length === 3;
    for (const { key } of writes) if (isPrefix(key)) await storage.clear(key);
    await storage.write(writes.filter(({ key }) => !isPrefix(key)));
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

/** What is kept of a conversation. @param {Conversation} conversation */
function recordOf({ row, modseq, countedAt, lastSeq, keptFrom, mark }) {
  return { row, modseq, countedAt, lastSeq, keptFrom, mark };
}
