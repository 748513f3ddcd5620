import { ApiError } from './api.js';
import { nameOf } from './sent.js';
import { delay } from './value.js';

/**
 * @typedef {import('./sent.js').Sent} Sent
 * @typedef {{
 *   isLeader: () => boolean, connection: () => import('./connection.js').Connection | null, api: import('./api.js').Api,
 *   changed: (conversationId: string) => void, post: (message: any) => void
 * }} SenderContext
 */

/** Sends the messages of an outbox in the leading tab, the files of each before it: one at a time in each conversation. */
export class Sender {
  #outbox;
  #context;
  /** @type {Set<string>} */
  #busy = new Set();

  /** @param {import('./outbox.js').Outbox} outbox @param {SenderContext} context */
  constructor(outbox, context) {
    this.#outbox = outbox;
    this.#context = context;
  }

  /** Send the first queued message of a conversation, then the next. @param {string} conversationId */
  async pump(conversationId) {
    if (this.#busy.has(conversationId)) return;
    this.#busy.add(conversationId);
    try {
      for (;;) {
        const connection = this.#context.connection();
        const sent = this.#outbox.of(conversationId).find(({ state }) => state === 'queued');
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
      if (!this.#outbox.has(item)) return; // it was cancelled meanwhile
      const {
        conversationId: conversation_id,
        content,
        parentId: parent_id,
        metadata,
        clientMessageId: client_message_id,
      } = item;
      const frame = { type: 'send', conversation_id, content, parent_id, metadata, attachment_ids, client_message_id };
      const { message } = await connection.request(frame);
      this.#outbox.arrived(message);
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
    await this.#outbox.keep(item);
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
      await this.#outbox.keep(item);
    }
    return item.files.length ? item.attachmentIds : undefined;
  }
}
