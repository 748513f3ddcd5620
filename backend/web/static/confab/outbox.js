import { ApiError } from './api.js';
import { Sender } from './sender.js';
import { Sent } from './sent.js';
import { newId } from './value.js';

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {import('./types.js').Draft} Draft
 * @typedef {import('./sent.js').Item} Item
 */

/** The messages that the server does not have yet: kept on the device, and sent in order in each conversation. */
export class Outbox {
  /** @type {Map<string, Sent>} */
  #sent = new Map();
  #number = 0;
  #storage;
  #context;
  #sender;
  #userId = 0;

  /** @param {() => Promise<import('./storage.js').Storage>} storage @param {import('./sender.js').SenderContext} context */
  constructor(storage, context) {
    this.#storage = storage;
    this.#context = context;
    this.#sender = new Sender(this, context);
  }

  /** Whether a message is waited for: not if it is sent or cancelled, or of another user. @param {Item} item */
  has({ clientMessageId }) {
    return this.#sent.has(clientMessageId);
  }

  /** The messages of a conversation, in order. @param {string} conversationId */
  of(conversationId) {
    const found = [...this.#sent.values()].filter(
      ({ item, state }) => item.conversationId === conversationId && state !== 'sent',
    );
    return found.sort((a, b) => a.item.number - b.item.number);
  }

  /** Another user is signed in, or nobody (0). What is kept of the one before stays on the device. @param {number} userId */
  enter(userId) {
    this.#userId = userId;
    const left = [...this.#sent.values()];
    this.#sent.clear();
    for (const { item, upload } of left) {
      upload.abort();
      this.#context.changed(item.conversationId);
    }
  }

  /** Read what is kept on the device: at the start, and when this tab becomes the leader. */
  async load() {
    const userId = this.#userId;
    const kept = await (await this.#storage()).list([userId, 'outbox']);
    if (userId === this.#userId) for (const { value } of kept) this.take(value);
  }

  /** @param {string} conversationId @param {Draft} draft @returns {Sent} */
  add(conversationId, { content = '', parentId, attachments = [], metadata, clientMessageId = newId() }) {
    if (!this.#userId) throw new ApiError(401, 'unauthorized', 'Nobody is signed in. Call chat.auth.login first.');
    const held = this.#sent.get(clientMessageId);
    if (held) return held;
    const files = [...attachments];
    const attachmentIds = files.map(() => null);
    // Tabs number at the same time: the clock orders them, and the count within one.
    this.#number = Math.max(this.#number + 1, Date.now());
    const item = { clientMessageId, conversationId, number: this.#number, content, parentId, metadata, files, attachmentIds };
    const sent = this.#hold(item);
    void this.keep(item)
      .then(
        () => this.#context.post({ kind: 'outbox', item }),
        () => {},
      )
      .then(() => this.#sender.pump(conversationId));
    return sent;
  }

  /** Take over an item of the device, or of another tab. @param {Item} item */
  take(item) {
    const sent = this.#sent.get(item.clientMessageId) ?? this.#hold(item);
    if (item.failure) sent.fail(item.failure);
    this.#context.changed(item.conversationId);
    this.#sender.pump(item.conversationId);
  }

  /** Post every item, to a new leader. */
  postAll() {
    for (const { item, state } of this.#sent.values()) if (state !== 'sent') this.#context.post({ kind: 'outbox', item });
  }

  /** Send what is queued. */
  pumpAll() {
    for (const { item } of [...this.#sent.values()]) this.#sender.pump(item.conversationId);
  }

  /**
   * A message arrived, as an event, an answer or from another tab: what is held under its id is sent. That may be a later call of
   * `send` than the one that is answered.
   * @param {Message} message
   */
  arrived(message) {
    const sent = message.client_message_id ? this.#sent.get(message.client_message_id) : undefined;
    if (!sent) return;
    this.#remove(sent.item);
    sent.succeed(message);
  }

  /** @param {Sent} sent */
  retry(sent) {
    const { item } = sent;
    delete item.failure;
    sent.changes.set('queued');
    this.#context.changed(item.conversationId);
    void this.keep(item).then(() => {
      this.#context.post({ kind: 'retry', item });
      this.#sender.pump(item.conversationId);
    });
  }

  /** Another tab asked for a retry. @param {Item} item */
  retried(item) {
    const sent = this.#sent.get(item.clientMessageId);
    if (sent?.state === 'failed') sent.retry();
    else this.take(item);
  }

  /** @param {Sent} sent */
  cancel(sent) {
    if (this.#sent.get(sent.clientMessageId) !== sent) return;
    this.cancelled(sent.item);
    this.#context.post({ kind: 'cancelled', item: { ...sent.item, files: [] } });
  }

  /** @param {Item} item */
  cancelled(item) {
    const sent = this.#sent.get(item.clientMessageId);
    this.#remove(item);
    sent?.upload.abort();
    sent?.fail({ status: 0, code: 'cancelled', detail: 'The message was not sent.' });
  }

  /** Another tab learnt that the server refused a message. @param {Item} item */
  refused(item) {
    const sent = this.#sent.get(item.clientMessageId);
    if (sent && item.failure) {
      sent.item.failure = item.failure;
      sent.fail(item.failure);
      this.#context.changed(item.conversationId);
    }
  }

  /** Another tab uploads the attachments. @param {Item} item @param {number} progress */
  advanced({ clientMessageId }, progress) {
    this.#sent.get(clientMessageId)?.progress.set(progress);
  }

  /** @param {Item} item */
  #hold(item) {
    const sent = new Sent(item, this);
    this.#sent.set(item.clientMessageId, sent);
    this.#number = Math.max(this.#number, item.number);
    this.#context.changed(item.conversationId);
    return sent;
  }

  /** @param {Item} item */
  #remove(item) {
    this.#sent.delete(item.clientMessageId);
    this.#context.changed(item.conversationId);
    void this.#write([{ key: this.#key(item) }]);
  }

  /** @param {Item} item */
  async keep(item) {
    const key = this.#key(item);
    if (!this.has(item)) return; // another user is signed in
    await this.#write([{ key, value: item }]);
    // It may have been sent or cancelled while it was written.
    if (!this.has(item) && key[0] === this.#userId) await this.#write([{ key }]);
  }

  /** @param {import('./storage.js').Write[]} writes */
  async #write(writes) {
    await (await this.#storage()).write(writes);
  }

  /** @param {Item} item */
  #key({ number, clientMessageId }) {
    return [this.#userId, 'outbox', number, clientMessageId];
  }
}
