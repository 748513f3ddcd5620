import { Members } from './members.js';
import { endOf, PAGE, Timeline } from './timeline.js';
import { Typists } from './typing.js';
import { Value } from './value.js';

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {import('./types.js').InboxRow} InboxRow
 * @typedef {import('./types.js').Member} Member
 * @typedef {import('./types.js').Draft} Draft
 * @typedef {import('./store.js').Store} Store
 */

/** A conversation: what is known of it, and what can be done in it. Obtained from `chat.conversation(id)`. */
export class Conversation {
  /** The messages around the reader, oldest first. @type {Value<Message[]>} */
  messages;
  /** The members of a room, or the other side of a direct conversation. @type {Value<Member[]>} */
  members;
  /** The ids of the users who are typing. @type {Value<number[]>} */
  typing;
  /** The read marks that arrived since the start: `{user_id: seq}`. @type {Value<Record<number, number>>} */
  readers = new Value(/** @type {Record<number, number>} */ ({}));
  /** What `send` returned and is not sent yet, in order. @type {Value<import('./sent.js').Sent[]>} */
  outbox;
  /** The row of the inbox, or null. @type {Value<InboxRow | null>} */
  info;

  /** @type {InboxRow | null} @internal */
  row = null;
  /** Everything up to this modseq, and with it up to this seq, is known. @internal */
  modseq = 0;
  /** @internal */
  lastSeq = 0;
  /** The modseq of which the counts of `row` are. @internal */
  countedAt = 0;
  /** Counts events, so that an older answer of REST is recognised. @internal */
  version = 0;
  /** The first seq of those kept on the device, which go on without gap. @internal */
  keptFrom = Infinity;
  /** @internal */
  timeline = new Timeline(0);
  /** Whether somebody asked for the messages: they are then kept up to date, and loaded if few are at hand. @internal */
  isOpen = false;
  /** A read mark that the server has not confirmed, or 0. @internal */
  mark = 0;
  /** Whether an event set the read mark back while `mark` is sent: only the server knows which of the two came last. @internal */
  isSetBack = false;
  /** @internal */
  memberList;
  /** @internal */
  typists;
  #store;
  #isMarking = false;
  /** @type {Map<string, Promise<void>>} */
  #loading = new Map();

  /** @param {string} id @param {Store} store @internal */
  constructor(id, store) {
    this.id = id;
    this.#store = store;
    this.info = new Value(/** @type {InboxRow | null} */ (null), () => this.row);
    this.outbox = new Value(/** @type {import('./sent.js').Sent[]} */ ([]), () => store.outbox.of(id));
    this.messages = new Value(/** @type {Message[]} */ ([]), () => [...this.timeline.shown]);
    this.memberList = new Members(store.api);
    this.members = this.memberList.value;
    this.typists = new Typists((isTyping) => store.sendTyping(id, isTyping));
    this.typing = this.typists.value;
    this.outbox.invalidate();
  }

  /** Whether earlier messages than those in `messages` exist. */
  get hasBefore() {
    return this.timeline.hasBefore;
  }

  /** Whether later messages than those in `messages` exist, after `loadAround`. */
  get hasAfter() {
    return this.timeline.hasAfter;
  }

  /** Show what is kept on the device, then the last page of the server. @internal */
  async open() {
    this.isOpen = true;
    await this.loadKept();
    await this.refill();
  }

  /** Show what is kept on the device. @internal */
  loadKept() {
    return this.#once('kept', async () => {
      if (this.keptFrom !== Infinity) await this.timeline.load(this.#store.keeper.read(this));
      this.setAllRead();
      this.messages.invalidate();
    });
  }

  /** Load the last page and the members, where they are not at hand: at the first use, and after a reconnection. @internal */
  async refill() {
    if (!this.isOpen || !this.row) return;
    if (this.row.kind === 'dm') await this.#once('read', () => this.#readAgain());
    if (this.hasBefore && this.timeline.shown.length < PAGE / 2) await this.loadBefore();
    if (!this.memberList.isLoaded) await this.#once('members', async () => this.row && this.memberList.load(this.row));
  }

  /** Load older messages. */
  loadBefore() {
    return this.#once('before', async () => {
      if (!this.hasBefore) return;
      const first = this.timeline.firstShown;
      this.timeline.prepareOlder();
      const isEnd = first > this.lastSeq;
      await this.#page(isEnd ? '' : `&before=${first}`, isEnd);
    });
  }

  /** Load later messages, after `loadAround`. */
  loadAfter() {
    return this.#once('after', async () => {
      const { shown, hasAfter } = this.timeline;
      if (hasAfter) await this.#page(`&after=${endOf(shown)}`);
    });
  }

  /** Show the messages around `seq`. @param {number} seq */
  loadAround(seq) {
    return this.#once(`around ${seq}`, async () => {
      if (!this.timeline.find(seq)) await this.#page(`&around=${seq}`);
      this.messages.invalidate();
    });
  }

  /** Show the newest messages. */
  loadLatest() {
    this.timeline.showTail();
    this.messages.invalidate();
    return this.refill();
  }

  /**
   * Send a message. It is kept on the device until the server has it, and shows up once.
   * @param {Draft} draft
   * @returns {import('./sent.js').Sent}
   */
  send(draft) {
    this.typists.sent();
    return this.#store.outbox.add(this.id, draft);
  }

  /** Move the read mark forward to `seq`. @param {number} seq */
  read(seq) {
    const { row } = this;
    const mark = Math.min(seq, row?.last_seq ?? 0);
    if (!row || mark <= row.last_read_seq) return;
    this.mark = mark;
    this.#store.rows.set(this, { ...row, last_read_seq: mark });
    void this.pushMark();
  }

  /** Send the read mark, if the server has not confirmed it. @internal */
  async pushMark() {
    if (this.#isMarking || !this.mark) return;
    this.#isMarking = true;
    try {
      while (this.mark) {
        const { mark, version } = this;
        this.isSetBack = false;
        const row = await this.#call('POST', '/read', { seq: mark });
        if (this.mark === mark) this.mark = 0;
        if (this.version === version || this.isSetBack) this.#store.rows.take(row, version);
        else this.#store.rows.recount(this);
      }
    } catch (error) {
      const { isTemporary, retryAfter = 1 } = /** @type {import('./api.js').ApiError} */ (error);
      if (isTemporary === false) this.mark = 0;
      // The row that is read brings the next attempt.
      setTimeout(() => this.#store.rows.refresh(this), 1000 * retryAfter);
    } finally {
      this.#isMarking = false;
      this.#store.keeper.keepRow(this);
    }
  }

  /** Mark the message `seq` and all later ones as unread. @param {number} seq */
  async unread(seq) {
    this.mark = 0;
    const { version } = this;
    this.#store.rows.take(await this.#call('POST', '/unread', { seq }), version);
  }

  /** Mute or pin the conversation, for oneself. @param {{is_muted?: boolean, is_pinned?: boolean}} settings */
  async update(settings) {
    const { version } = this;
    this.#store.rows.take(await this.#call('PATCH', '', settings), version);
  }

  /** Tell the others that one is typing. To be called at each key: it is sent once in three seconds. */
  startTyping() {
    this.typists.start();
  }

  /** Tell the others that one does not type any more. */
  stopTyping() {
    this.typists.stop();
  }

  /**
   * Change the content of one's own message. With the `modseq` of the version that is edited, it rejects with `edit_conflict` if
   * that is not the last one.
   * @param {number} id @param {string} content @param {{modseq?: number}} [options]
   */
  edit(id, content, options) {
    return this.#change('PATCH', String(id), { content, ...options });
  }

  /** Delete a message; with `hard`, for ever. @param {number} id @param {{hard?: boolean}} [options] */
  async remove(id, { hard = false } = {}) {
    await this.#store.api.delete(`/api/chat/messages/${id}${hard ? '?hard=true' : ''}`);
  }

  /** Add a reaction. @param {number} id @param {string} emoji */
  react(id, emoji) {
    return this.#change('PUT', `${id}/reactions/${encodeURIComponent(emoji)}`);
  }

  /** Take a reaction back. @param {number} id @param {string} emoji */
  unreact(id, emoji) {
    return this.#change('DELETE', `${id}/reactions/${encodeURIComponent(emoji)}`);
  }

  /** The direct messages to a user are read up to `seq`. @param {number} userId @param {number} seq @internal */
  setRead(userId, seq) {
    for (const message of this.timeline.held) {
      const isRead = message.seq <= seq && message.recipient_id === userId && !message.is_read;
      if (isRead && this.timeline.merge({ ...message, is_read: true })) this.messages.invalidate();
    }
  }

  /** Messages may be older than the read marks. @internal */
  setAllRead() {
    const marks = { ...this.readers.value, [this.#store.userId]: this.row?.last_read_seq ?? 0 };
    for (const [userId, seq] of Object.entries(marks)) this.setRead(Number(userId), seq);
  }

  /** @param {string} query @param {boolean} [isLast] */
  async #page(query, isLast) {
    const { timeline } = this;
    const path = `/api/chat/messages?conversation_id=${this.id}&limit=${PAGE}${query}`;
    const reading = this.#store.api.get(path).then((/** @type {Message[]} */ page) => page.sort((a, b) => a.seq - b.seq));
    const page = await timeline.load(reading, isLast);
    if (!page.length && isLast) timeline.from = 1;
    this.setAllRead();
    if (this.timeline === timeline) this.#store.keeper.keepTail(this);
    this.messages.invalidate();
  }

  /** What the other side read while this one was away is told by no event: `is_read` takes no modseq. */
  async #readAgain() {
    const unread = this.timeline.held.filter(({ is_read }) => !is_read);
    for (let before = this.lastSeq + 1; unread.some(({ seq }) => seq < before); ) {
      const path = `/api/chat/messages?conversation_id=${this.id}&limit=100&before=${before}`;
      const page = /** @type {Message[]} */ (await this.#store.api.get(path));
      const read = page.find(({ is_read, sender_id }) => is_read && sender_id === this.#store.userId);
      for (const message of page) this.#store.takeMessage(message);
      if (read?.recipient_id) return this.setRead(read.recipient_id, read.seq);
      before = endOf(page);
    }
  }

  /** @param {string} method @param {string} path @param {any} [body] @returns {Promise<Message>} */
  async #change(method, path, body) {
    const message = await this.#store.api.request(method, `/api/chat/messages/${path}`, body);
    this.#store.takeMessage(message);
    return message;
  }

  /** @param {string} method @param {string} path @param {any} body @returns {Promise<InboxRow>} */
  #call(method, path, body) {
    return this.#store.api.request(method, `/api/chat/conversations/${this.id}${path}`, body);
  }

  /** Run an action unless the same one runs already; calls meanwhile share its outcome. @param {string} name @param {() => Promise<any>} action */
  #once(name, action) {
    let running = this.#loading.get(name);
    if (!running) {
      const repeat = async () => {
        // Messages that were dropped meanwhile are loaded again.
        for (let timeline; timeline !== this.timeline; ) {
          timeline = this.timeline;
          await action();
        }
      };
      running = repeat().finally(() => this.#loading.delete(name));
      this.#loading.set(name, running);
    }
    return running;
  }
}
