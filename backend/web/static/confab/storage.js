import { compare } from './value.js';

/**
 * @typedef {(string | number)[]} Key
 * @typedef {{key: Key, value?: any}} Write  without a value the key is deleted
 */

/**
 * What is kept on the device: values under keys such as `['message', 'room:7', 12]`. One call of `write` is kept whole or not at all.
 * @typedef {object} Storage
 * @property {(key: Key) => Promise<any>} get
 * @property {(prefix: Key) => Promise<{key: Key, value: any}[]>} list  all keys that begin with `prefix`, in order
 * @property {(writes: Write[]) => Promise<void>} write
 * @property {(prefix: Key) => Promise<void>} clear  delete all keys that begin with `prefix`
 * @property {() => Promise<void>} close
 */

/** @param {Key} prefix */
const rangeOf = (prefix) => IDBKeyRange.bound(prefix, [...prefix, []]);

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Values in memory. Lost at the end of the page or process. @implements {Storage} */
export class MemoryStorage {
  /** @type {Map<string, any>} */
  values = new Map();

  /** @param {Key} key */
  async get(key) {
    return this.values.get(JSON.stringify(key));
  }

  /** @param {Key} prefix */
  async list(prefix) {
    const start = JSON.stringify(prefix).slice(0, -1);
    const found = [];
    for (const [text, value] of this.values) {
      if (text.startsWith(start) && (!prefix.length || ',]'.includes(text[start.length])))
        found.push({ key: JSON.parse(text), value });
    }
    return found.sort((a, b) => compareKeys(a.key, b.key));
  }

  /** @param {Write[]} writes */
  async write(writes) {
    for (const { key, value } of writes) {
      if (value === undefined) this.values.delete(JSON.stringify(key));
      else this.values.set(JSON.stringify(key), value);
    }
  }

  /** @param {Key} prefix */
  async clear(prefix) {
    await this.write((await this.list(prefix)).map(({ key }) => ({ key })));
  }

  async close() {}
}

/** @param {Key} a @param {Key} b */
function compareKeys(a, b) {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? a.length - b.length : compare(a[at], b[at]);
}

/** Values in IndexedDB. @implements {Storage} */
class IndexedStorage {
  #database;

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.#database = database;
    database.onversionchange = () => database.close();
  }

  /** @param {string} name */
  static async open(name) {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('values');
    return new IndexedStorage(await settled(opening));
  }

  /** @param {IDBTransactionMode} mode */
  #begin(mode) {
    return this.#database.transaction('values', mode, { durability: 'strict' });
  }

  /** @param {Key} key */
  get(key) {
    return settled(this.#begin('readonly').objectStore('values').get(key));
  }

  /** @param {Key} prefix */
  async list(prefix) {
    const values = this.#begin('readonly').objectStore('values');
    const range = rangeOf(prefix);
    const [keys, found] = await Promise.all([settled(values.getAllKeys(range)), settled(values.getAll(range))]);
    return keys.map((key, index) => ({ key: /** @type {Key} */ (key), value: found[index] }));
  }

  /** @param {Write[]} writes */
  write(writes) {
    return this.#change((values) => {
      for (const { key, value } of writes) value === undefined ? values.delete(key) : values.put(value, key);
    });
  }

  /** @param {Key} prefix */
  clear(prefix) {
    return this.#change((values) => values.delete(rangeOf(prefix)));
  }

  /** @param {(values: IDBObjectStore) => void} change @returns {Promise<any>} */
  #change(change) {
    return new Promise((resolve, reject) => {
      const transaction = this.#begin('readwrite');
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
      change(transaction.objectStore('values'));
      // Otherwise the browser commits after it has told the page of each write, and keeps nothing if the page ends before that.
      transaction.commit();
    });
  }

  async close() {
    this.#database.close();
  }
}

/** Another storage, and memory for what it refuses because it is full, or because its disk or browser fails. @implements {Storage} */
class FallbackStorage {
  #storage;
  #memory = new MemoryStorage();

  /** @param {Storage} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** @param {Key} key */
  async get(key) {
    return (await this.#memory.get(key)) ?? (await this.#storage.get(key).catch(() => undefined));
  }

  /** @param {Key} prefix */
  async list(prefix) {
    const kept = await this.#storage.list(prefix).catch(() => []);
    const refused = await this.#memory.list(prefix);
    if (!refused.length) return kept;
    const found = new Map([...kept, ...refused].map((item) => [JSON.stringify(item.key), item]));
    return [...found.values()].sort((a, b) => compareKeys(a.key, b.key));
  }

  /** @param {Write[]} writes */
  async write(writes) {
    try {
      await this.#storage.write(writes);
      await this.#memory.write(writes.map(({ key }) => ({ key })));
    } catch {
      await this.#memory.write(writes);
      // What is refused must not bring a sent message back, nor an old version of a message: these are deleted without the rest.
      const stale = writes.filter(({ key, value }) => !value || key[1] === 'message').map(({ key }) => ({ key }));
      await this.#storage.write(stale).catch(() => {});
    }
  }

  /** @param {Key} prefix */
  async clear(prefix) {
    await this.#memory.clear(prefix);
    await this.#storage.clear(prefix).catch(() => {});
  }

  close() {
    return this.#storage.close();
  }
}

/**
 * Open what the option `storage` names. Where that is forbidden, as in a private window, the values are in memory.
 * @param {string} kind `indexeddb`, `memory`, or in Node the path of a file
 * @param {string} name of the database in the browser
 * @returns {Promise<Storage>}
 */
export async function openStorage(kind, name) {
  if (kind === 'memory') return new MemoryStorage();
  try {
    if (kind === 'indexeddb') return new FallbackStorage(await IndexedStorage.open(name));
    const { openFile } = await import('./confab-node.js');
    return new FallbackStorage(await openFile(kind, MemoryStorage));
  } catch (error) {
    if (kind !== 'indexeddb') throw error;
    return new MemoryStorage();
  }
}
