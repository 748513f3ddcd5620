import { Value } from './value.js';

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {{
 *   clientMessageId: string, conversationId: string, number: number, content: string, parentId?: number, metadata?: object,
 *   files: Blob[], attachmentIds: (number | null)[], failure?: {status: number, code: string, detail: string}
 * }} Item  a message to send, as it is kept on the device; a file is dropped only with its message
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

  /** @param {Item} item @param {import('./outbox.js').Outbox} outbox @internal */
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

  /** The first failure counts, until a retry. @param {{status: number, code: string, detail: string}} error @internal */
  fail(error) {
    if (this.state === 'failed') return;
    this.error = error;
    this.changes.set('failed');
    this.#deferred.reject(error);
  }
}

/** The name under which a file is uploaded and shown. @param {Blob} file */
export function nameOf(file) {
  return file instanceof File ? file.name : 'file';
}

/** @returns {PromiseWithResolvers<Message>} */
function newDeferred() {
  const deferred = Promise.withResolvers();
  deferred.promise.catch(() => {}); // an application may look at `state` alone
  return deferred;
}
