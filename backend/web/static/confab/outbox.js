import { ApiError } from './api.js';
import { delay, newId, Value } from './value.js';

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {import('./types.js').Draft} Draft
 * @typedef {{
 *   clientMessageId: string, conversationId: string, number: number, content: string, parentId?: number, metadata?: object,
 *   files: Blob[], attachmentIds: (number | null)[], failure?: {status: number, code: string, detail: string}
 * }} Item  a message to send, as it is kept on the device; a file is dropped only with its message
 * @typedef {import('./storage.js').Storage} Storage
 */

/** A message that is on its way: what `send` returns. */
export class Sent {
  /** The state, to watch. @type {Value<'queued' | 'sending' | 'sent' | 'failed'>} */
  changes = new Value(/** @type {'queued' | 'sending' | 'sent' | 'failed'} */ ('queued'));
  /** Why the state is `failed`. @type {{status: number, code: string, detail: string} | null} */
  error = null;
  /** How much of the attachments is uploaded, from 0 to 1. @type {Value<number>} */
  progress = new Value(0);
  /** The attachments, to show them. @type {readonly {name: string, size: number, type: string}[]} */
  attachments;
  /** @type {Item} @internal */
  item;
  /** Ends the upload that is under way. @internal */
  upload = new AbortController();
  #outbox;
  #deferred = newDeferred();

  /** @param {Item} item @param {Outbox} outbox @internal */
  constructor(item, outbox) {
    this.item = item;
    this.#outbox = outbox;
    this.attachments = item.files.map((file) => ({ name: nameOf(file), size: file.size, type: file.type }));
    this.advance();
  }

  /** Resolves with the message, rejects with `{status, code, detail}` when the server refuses it. */
  get done() {
    return this.#deferred.promise;
  }

  get clientMessageId() {
    return this.item.clientMessageId;
  }

  get content() {
    return this.item.content;
  }

  /** The message that it replies to. */
  get parentId() {
    return this.item.parentId;
  }

  get state() {
    return this.changes.value;
  }

  /** Send a message again that the server refused. */
  retry() {
    if (this.state !== 'failed' || this.upload.signal.aborted) return;
    this.error = null;
    this.#deferred = newDeferred();
    this.#outbox.retry(this);
  }

  /** Do not send it, unless it is sent already. An upload that is under way ends. */
  cancel() {
    this.#outbox.cancel(this);
  }

  /** Compute `progress`: the files that have an id, and a part of the first that has none. @param {number} [part] @internal */
  advance(part = 0) {
    const { files, attachmentIds } = this.item;
    let uploaded = 0;
    let all = 0;
    for (const [index, { size }] of files.entries()) {
      uploaded += attachmentIds[index] ? size : size * part;
      all += size;
      if (!attachmentIds[index]) part = 0;
    }
    this.progress.set(all ? uploaded / all : 1);
  }

  /** @param {Message} message @internal */
  succeed(message) {
    this.changes.set('sent');
    this.#deferred.resolve(message);
  }

  /** @param {{status: number, code: string, detail: string}} error @internal */
  fail(error) {
    this.error = error;
    this.changes.set('failed');
    this.#deferred.reject(error);
  }
}

/** @param {Blob} file */
function nameOf(file) {
  return file instanceof File ? file.name : 'file';
}

/** @returns {PromiseWithResolvers<Message>} */
function newDeferred() {
  const deferred = Promise.withResolvers();
  deferred.promise.catch(() => {}); // an application may look at `state` alone
  return deferred;
}

/** The messages that the server does not have yet: kept on the device, and sent in order in each conversation. */
export class Outbox {
  /** @type {Map<string, Sent>} */
  #sent = new Map();
  /** @type {Set<string>} */
  #busy = new Set();
  #number = 0;
  #storage;
  #context;
  #userId = 0;

  /**
   * @param {() => Promise<Storage>} storage
   * @param {{
   *   isLeader: () => boolean, connection: () => import('./connection.js').Connection | null, api: import('./api.js').Api,
   *   changed: (conversationId: string) => void, post: (message: any) => void
   * }} context
   */
  constructor(storage, context) {
    this.#storage = storage;
    this.#context = context;
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
    void this.#keep(item)
      .then(
        () => this.#context.post({ kind: 'outbox', item }),
        () => {},
      )
      .then(() => this.#pump(conversationId));
    return sent;
  }

  /** Take over an item of the device, or of another tab. @param {Item} item */
  take(item) {
    const sent = this.#sent.get(item.clientMessageId) ?? this.#hold(item);
    if (item.failure && sent.state !== 'failed') sent.fail(item.failure);
    this.#context.changed(item.conversationId);
    this.#pump(item.conversationId);
  }

  /** Post every item, to a new leader. */
  postAll() {
    for (const { item, state } of this.#sent.values()) if (state !== 'sent') this.#context.post({ kind: 'outbox', item });
  }

  /** Send what is queued. */
  pumpAll() {
    for (const { item } of [...this.#sent.values()]) this.#pump(item.conversationId);
  }

  /** A message arrived, as an event, an answer or from another tab: if it is of this outbox, it is sent. @param {Message} message */
  arrived(message) {
    const sent = message.client_message_id ? this.#sent.get(message.client_message_id) : undefined;
    if (sent) this.#succeed(sent, message);
  }

  /** @param {Sent} sent */
  retry(sent) {
    const { item } = sent;
    delete item.failure;
    sent.changes.set('queued');
    this.#context.changed(item.conversationId);
    void this.#keep(item).then(() => {
      this.#context.post({ kind: 'retry', item });
      this.#pump(item.conversationId);
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
    if (sent.state === 'sent') return;
    this.cancelled(sent.item);
    this.#context.post({ kind: 'cancelled', item: { ...sent.item, files: [] } });
  }

  /** @param {Item} item */
  cancelled(item) {
    const sent = this.#sent.get(item.clientMessageId);
    this.#remove(item);
    sent?.upload.abort();
    if (sent && sent.state !== 'failed') sent.fail({ status: 0, code: 'cancelled', detail: 'The message was not sent.' });
  }

  /** Another tab learnt that the server refused a message. @param {Item} item */
  refused(item) {
    const sent = this.#sent.get(item.clientMessageId);
    if (sent && item.failure && sent.state !== 'failed') {
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

  /** Send the first queued message of a conversation, then the next. @param {string} conversationId */
  async #pump(conversationId) {
    if (this.#busy.has(conversationId)) return;
    this.#busy.add(conversationId);
    try {
      for (;;) {
        const connection = this.#context.connection();
        const sent = this.of(conversationId).find(({ state }) => state === 'queued');
        if (!sent || !connection?.isLive || !this.#context.isLeader()) return;
        await this.#send(sent, connection);
        if (connection.pace) await delay(connection.pace);
      }
    } finally {
      this.#busy.delete(conversationId);
    }
  }

  /** @param {Sent} sent @param {import('./connection.js').Connection} connection */
  async #send(sent, connection) {
    const { item } = sent;
    sent.changes.set('sending');
    this.#context.changed(item.conversationId);
    try {
      const attachment_ids = await this.#upload(sent);
      if (!this.#sent.has(item.clientMessageId)) return; // it was cancelled meanwhile
      const {
        conversationId: conversation_id,
        content,
        parentId: parent_id,
        metadata,
        clientMessageId: client_message_id,
      } = item;
      const frame = { type: 'send', conversation_id, content, parent_id, metadata, attachment_ids, client_message_id };
      const { message } = await connection.request(frame);
      this.#succeed(sent, message);
    } catch (error) {
      await this.#failed(sent, /** @type {ApiError} */ (error));
    }
  }

  /** @param {Sent} sent @param {ApiError} error */
  async #failed(sent, error) {
    const { item } = sent;
    if (sent.state !== 'sending') return; // its event came before
    if (!(error instanceof ApiError) || error.isTemporary || error.status === 401) {
      sent.changes.set('queued');
      // A socket that is closing refuses at once, and its end is noticed only after a pause.
      await delay(1000 * (error.status ? Math.min(error.retryAfter ?? 2, 60) : 0.1));
      return;
    }
    const isFirst = !item.failure;
    item.failure = { status: error.status, code: error.code, detail: error.detail };
    if (item.attachmentIds.some(Boolean) && item.files.length && /attachment/.test(Object.keys(error.errors ?? {}).join())) {
      // An upload that is not sent is swept after a day: upload it again, once.
      item.attachmentIds = item.files.map(() => null);
      if (isFirst) return sent.changes.set('queued');
    }
    sent.fail(item.failure);
    this.#context.changed(item.conversationId);
    this.#context.post({ kind: 'refused', item: { ...item, files: [] } });
    await this.#keep(item);
  }

  /** Upload the files that are not there yet. Their ids are kept, so that none is uploaded twice. @param {Sent} sent */
  async #upload(sent) {
    const { item } = sent;
    const advance = (/** @type {number} */ part) => {
      sent.advance(part);
      this.#context.post({ kind: 'progress', item: { ...item, files: [] }, progress: sent.progress.value });
    };
    for (const [index, file] of item.files.entries()) {
      if (item.attachmentIds[index]) continue;
      const form = new FormData();
      form.append('file', file, nameOf(file));
      const { signal } = sent.upload;
      item.attachmentIds[index] = (await this.#context.api.post('/api/chat/attachments', form, signal, advance)).id;
      advance(0);
      await this.#keep(item);
    }
    return item.files.length ? item.attachmentIds : undefined;
  }

  /** @param {Sent} sent @param {Message} message */
  #succeed(sent, message) {
    this.#remove(sent.item);
    if (sent.state !== 'sent') sent.succeed(message);
  }

  /** @param {Item} item */
  #remove(item) {
    this.#sent.delete(item.clientMessageId);
    this.#context.changed(item.conversationId);
    void this.#write([{ key: this.#key(item) }]);
  }

  /** @param {Item} item */
  async #keep(item) {
    const key = this.#key(item);
    if (!this.#sent.has(item.clientMessageId)) return; // another user is signed in
    await this.#write([{ key, value: item }]);
    // It may have been sent or cancelled while it was written.
    if (!this.#sent.has(item.clientMessageId) && key[0] === this.#userId) await this.#write([{ key }]);
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
