import { open, readFile, rename } from 'node:fs/promises';

/** @typedef {import('./storage.js').Key} Key */
/** @typedef {import('./storage.js').Write} Write */

const COMPACT_LINES = 10_000;

/**
 * Open the storage of a client in Node. This file needs no other one, so that it can be put beside /confab.js.
 * @param {string} path
 * @param {typeof import('./storage.js').MemoryStorage} MemoryStorage
 * @returns {Promise<import('./storage.js').Storage>}
 */
export function openFile(path, MemoryStorage) {
  /**
   * Values in a journal for Node: a file of JSON lines, one for each `write`, that is read at the start. It is readable by its owner
   * alone, because it has tokens. One process at a time may use it.
   */
  class FileStorage extends MemoryStorage {
    #path;
    #file;
    #lines = 0;
    /** @type {Promise<any>} */
    #last = Promise.resolve();

    /** @param {string} path @param {import('node:fs/promises').FileHandle} file */
    constructor(path, file) {
      super();
      this.#path = path;
      this.#file = file;
    }

    /** @param {string} path */
    static async open(path) {
      const text = await readFile(path, 'utf8').catch((error) => {
        if (error.code === 'ENOENT') return '';
        throw error;
      });
      const storage = new FileStorage(path, await open(path, 'a', 0o600));
      for (const line of text.split('\n')) await storage.#replay(line);
      // The next line must not continue one that a crash cut off.
      if (text && !text.endsWith('\n')) await storage.#compact();
      return storage;
    }

    /** @param {string} line */
    async #replay(line) {
      try {
        await super.write(JSON.parse(line, revive));
        this.#lines += 1;
      } catch {} // empty, or cut off by a crash: it was never acknowledged
    }

    /** @param {Write[]} writes */
    write(writes) {
      return this.#inTurn(async () => {
        if (!writes.length) return;
        await this.#file.appendFile(`${JSON.stringify(await portable(writes))}\n`);
        await this.#file.datasync();
        await super.write(writes);
        this.#lines += 1;
        if (this.#lines > COMPACT_LINES + 2 * this.values.size) await this.#compact();
      });
    }

    /** @param {Key} prefix */
    async clear(prefix) {
      await this.#inTurn(async () => {
        await super.write((await this.list(prefix)).map(({ key }) => ({ key })));
        await this.#compact(); // nothing of it stays in the file
      });
    }

    async #compact() {
      const writes = [...this.values].map(([text, value]) => ({ key: JSON.parse(text), value }));
      const file = await open(`${this.#path}.new`, 'w', 0o600);
      await file.writeFile(writes.length ? `${JSON.stringify(await portable(writes))}\n` : '');
      await file.datasync();
      await file.close();
      await rename(`${this.#path}.new`, this.#path);
      await this.#file.close();
      this.#file = await open(this.#path, 'a', 0o600);
      this.#lines = 1;
    }

    async close() {
      await this.#inTurn(() => this.#file.close());
    }

    /** @param {() => Promise<any>} action */
    #inTurn(action) {
      const done = this.#last.then(action);
      this.#last = done.catch(() => {});
      return done;
    }
  }

  return FileStorage.open(path);
}

/** Replace the files in a value by text. @param {any} value @returns {Promise<any>} */
async function portable(value) {
  if (value instanceof Blob) {
    const bytes = Buffer.from(await value.arrayBuffer()).toString('base64');
    return { $blob: bytes, type: value.type, name: value instanceof File ? value.name : undefined };
  }
  if (Array.isArray(value)) return Promise.all(value.map(portable));
  if (value === null || typeof value !== 'object') return value;
  const entries = await Promise.all(Object.entries(value).map(async ([name, part]) => [name, await portable(part)]));
  return Object.fromEntries(entries);
}

/** @param {string} _ @param {any} value */
function revive(_, value) {
  if (typeof value?.$blob !== 'string') return value;
  const bytes = Buffer.from(value.$blob, 'base64');
  return value.name === undefined ? new Blob([bytes], { type: value.type }) : new File([bytes], value.name, { type: value.type });
}
