import { Api, ApiError } from './api.js';
import { Connection } from './connection.js';
import { Outbox } from './outbox.js';
import { Session } from './session.js';
import { openStorage } from './storage.js';
import { Store } from './store.js';
import { Tabs } from './tabs.js';
import { callSafely, delay, newId, Value } from './value.js';

export { ApiError, Value };

/**
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').User} User
 */

/** The longest list of positions in a `resume`: a frame has at most 64 KiB. */
const POSITIONS_LENGTH = 65_000;

/** A client of a Confab server: it keeps the user's conversations as they are on the server, and sends what it is given. */
export class Confab {
  /** How the client stands. @type {Value<State>} */
  state = new Value(/** @type {State} */ ({ status: 'offline', retryAt: null, reason: null }));
  /** Who is signed in. @type {Value<User | null>} */
  user = new Value(/** @type {User | null} */ (null));
  /** The conversations, last activity first. @type {Value<import('./types.js').InboxRow[]>} */
  inbox;
  /** The ids of the users who are online, as far as the user may know. @type {Value<number[]>} */
  online;
  /** Calls of the REST API: `get`, `post`, `put`, `patch`, `delete`, `all`. @type {Api} */
  api;
  /** Signing in and out. */
  auth = {
    /** @param {{email?: string, username?: string, password: string, totp_code?: string, device_info?: string}} body */
    login: (body) => this.#signIn('/api/auth/login', body),
    /** @param {{email: string, password: string, [field: string]: any}} body */
    register: (body) => this.#signIn('/api/auth/register', body),
    /** @param {{mobile: string, code: string, totp_code?: string, device_info?: string}} body */
    verifyOtp: (body) => this.#signIn('/api/auth/verify-otp', body),
    /** @param {{token: string, device_info?: string}} body  an assertion of the host application */
    exchange: (body) => this.#signIn('/api/auth/exchange', body),
    /** Sign out. With `forget`, nothing of the user stays on the device. @param {{forget?: boolean}} [options] */
    logout: (options) => this.#signOut(options),
  };
  #url;
  #name;
  #hasGetToken;
  /** @type {Promise<import('./storage.js').Storage> | null} */
  #storage = null;
  #session;
  #outbox;
  #store;
  #connection;
  /** @type {Tabs | null} */
  #tabs = null;
  /** @type {Map<string, Set<(value: any) => void>>} */
  #listeners = new Map();
  /** @type {(() => void)[]} */
  #undo = [];
  /** @type {Promise<any>} */
  #turn = Promise.resolve();
  /** The tab whose frames this one follows, and the number of the last one. */
  #leader = { id: '', number: 0 };
  /** The frames that wait for an answer of /sync. @type {any[] | null} */
  #held = null;

  /** @param {import('./types.js').Options} [options] */
  constructor(options = {}) {
    this.#url = new URL(options.url ?? '/', globalThis.location?.href).href.replace(/\/+$/, '');
    this.#name = `confab ${this.#url}`;
    this.#hasGetToken = Boolean(options.getToken);
    const storage = () => {
      this.#storage ??= openStorage(options.storage ?? (globalThis.document ? 'indexeddb' : 'memory'), this.#name);
      return this.#storage;
    };
    this.#session = new Session(this.#url, options.getToken, storage, () => this.#switch());
    this.api = new Api(this.#url, this.#session);
    this.#outbox = new Outbox(storage, {
      api: this.api,
      isLeader: () => this.#isLeader,
      connection: () => this.#connection,
      changed: (id) => this.#store.conversation(id).outbox.invalidate(),
      post: (message) => this.#post(message),
    });
    this.#store = new Store(this.api, storage, this.#outbox, {
      isLeader: () => this.#isLeader,
      emit: (name, value) => this.#emit(name, value),
      share: (row) => this.#broadcast({ kind: 'row', row }),
      send: (frame) => (this.#isLeader ? this.#connection.send(frame) : this.#post({ kind: 'send', frame })),
    });
    this.inbox = this.#store.inbox;
    this.online = this.#store.online;
    const clientId = options.clientId ?? newId();
    this.#connection = new Connection(`${this.#url.replace(/^http/, 'ws')}/ws/${clientId}`, this.#session, {
      // What the user may no longer see is gone before the state says so.
      state: (state) => (state.status === 'signed-out' && !options.getToken ? this.#switch() : this.#setState(state)),
      frame: (frame) => (this.#held ? this.#held.push(frame) : this.#broadcast({ kind: 'frame', frame })),
      ready: (frame) => this.#catchUp(frame),
      live: () => this.#outbox.pumpAll(),
    });
  }

  /**
   * Show what is kept on the device, connect, and stay connected until `stop`. Resolves at the first `live`, however long that
   * takes, or with `stop`.
   */
  async start() {
    if (!this.#tabs) {
      this.#tabs = new Tabs(this.#name, (message) => this.#receive(message));
      this.#listen();
      this.#setState({ status: 'connecting', retryAt: null, reason: null });
      await this.#session.load();
      this.#campaign();
    }
    this.#switch();
    await this.#turn;
    await new Promise((resolve) => {
      const check = () => {
        if (this.#tabs && this.state.value.status !== 'live') return;
        unsubscribe();
        resolve(undefined);
      };
      const unsubscribe = this.state.subscribe(check);
      queueMicrotask(check);
    });
  }

  /** Close the socket, and keep what is not kept yet. */
  async stop() {
    for (const undo of this.#undo.splice(0)) undo();
    this.#connection.stop();
    await this.#store.flush();
    this.#tabs?.close();
    this.#tabs = null;
    this.#setState({ status: 'offline', retryAt: null, reason: 'stopped' });
    await (await this.#storage)?.close();
    this.#storage = null;
  }

  /** A conversation, always the same object for the same id: `lobby`, `room:7`, `dm:3:9`. @param {string} id */
  conversation(id) {
    const conversation = this.#store.conversation(id);
    if (!conversation.isOpen) void conversation.open().catch(() => {});
    return conversation;
  }

  /**
   * Full-text search. Resolves with messages, newest first, each with `highlights`.
   * @param {string} q
   * @param {{conversation_id?: string, sender_id?: number, before?: string, after?: string, has?: 'attachment', skip?: number, limit?: number}} [filters]
   * @returns {Promise<import('./types.js').FoundMessage[]>}
   */
  search(q, filters = {}) {
    const given = JSON.parse(JSON.stringify({ q, ...filters })); // without what is undefined
    return this.api.get(`/api/chat/search?${new URLSearchParams(given)}`);
  }

  /**
   * Call `listener` for `message` (each new message, once, also those that were missed while offline), and for every frame of
   * the server by its type: `message.updated`, `presence`, … Returns what ends it.
   * @template {string} Name
   * @param {Name} name
   * @param {(value: Name extends 'message' ? import('./types.js').Message : any) => void} listener
   * @returns {() => void}
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  get #isLeader() {
    return this.#tabs?.isLeader ?? false;
  }

  /** @param {string} name @param {any} value */
  #emit(name, value) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) callSafely(listener, value);
  }

  /** @param {State} state */
  #setState(state) {
    this.state.set(state);
    if (this.#isLeader) this.#post({ kind: 'state', state, id: this.#leader.id });
  }

  // Signing in and out

  /** @param {string} path @param {any} body @returns {Promise<User>} */
  async #signIn(path, body) {
    const user = await this.#session.signIn(path, body);
    this.#post({ kind: 'session', forgotten: 0 });
    await this.#turn;
    return user;
  }

  /** @param {{forget?: boolean}} [options] */
  async #signOut({ forget = false } = {}) {
    const userId = this.#store.userId;
    const [told] = await this.#session.signOut();
    this.#post({ kind: 'session', forgotten: forget ? userId : 0 });
    await Promise.all([told, this.#forget(forget ? userId : 0)]);
  }

  /** Delete what is kept of a user, behind the last write of this tab. @param {number} userId */
  async #forget(userId) {
    await this.#turn;
    if (userId) await (await this.#storage)?.clear([userId]);
  }

  /** Show what belongs to who is signed in now, and connect. Runs one at a time. */
  #switch() {
    this.#turn = this.#turn.then(() => this.#enter()).catch(() => {});
  }

  async #enter() {
    if (!this.#tabs) return;
    let userId = this.#store.userId;
    try {
      userId = (await this.#session.identify()) || (this.#hasGetToken ? userId : 0);
    } catch {} // an API token whose owner is not known yet: the connection asks again
    if (userId !== this.#store.userId) {
      this.#connection.stop();
      this.user.set(this.#session.user);
      this.#outbox.enter(userId);
      await this.#store.enter(userId);
      if (userId) await this.#outbox.load();
      this.#post({ kind: 'hello', userId });
    }
    if (!this.#isLeader) return;
    if (userId) void this.#connection.start();
    else {
      this.#connection.stop();
      this.#setState({ status: 'signed-out', retryAt: null, reason: 'no_token' });
    }
  }

  // The leading tab

  #campaign() {
    void this.#tabs?.campaign(() => {
      this.#leader = { id: newId(), number: 0 };
      this.#post({ kind: 'lead' });
      this.#turn = this.#turn.then(() => this.#store.lead()).then(() => this.#outbox.load());
      this.#switch();
    });
  }

  /** Bring everything up to date on a new socket: the inbox, then what changed in its conversations. @param {any} ready */
  async #catchUp(ready) {
    if (ready.user.id !== this.#store.userId) {
      this.#switch(); // `getToken` gave the token of another user
      throw new ApiError(401, 'unauthorized', 'The token is of another user.');
    }
    this.#broadcast({ kind: 'frame', frame: ready });
    const rows = await repeat(() => this.api.all('/api/chat/conversations?limit=100'));
    this.#broadcast({ kind: 'inbox', rows });
    await repeat(async () => {
      const conversations = this.#store.positions();
      if (JSON.stringify(conversations).length < POSITIONS_LENGTH)
        await this.#connection.request({ type: 'resume', conversations });
      else while (await this.#sync());
    });
    this.#broadcast({ kind: 'caught-up' });
  }

  /** Apply a page of what changed, where there are too many conversations for `resume`. Resolves with whether there is more. */
  async #sync() {
    // What arrives during the call follows its answer, as it follows the pages on the socket.
    /** @type {any[]} */
    const held = [];
    this.#held = held;
    try {
      const page = await this.api.post('/api/chat/sync', { conversations: this.#store.positions() });
      const isMore = page.conversations.some((/** @type {any} */ { truncated }) => truncated);
      this.#broadcast({ kind: 'frame', frame: { type: 'resumed', ...page, done: !isMore } });
      return isMore;
    } finally {
      this.#held = null;
      for (const frame of held) this.#broadcast({ kind: 'frame', frame });
    }
  }

  /** Apply what the socket brought, here and in the other tabs. @param {any} message */
  #broadcast(message) {
    this.#leader.number += 1;
    this.#post({ ...message, ...this.#leader });
    this.#apply(message);
  }

  /** @param {any} message */
  #apply({ kind, frame, rows, row }) {
    if (kind === 'inbox') this.#store.takeInbox(rows);
    else if (kind === 'caught-up') this.#store.caughtUp();
    else if (kind === 'row') this.#store.takeRow(row);
    else {
      if (frame.type === 'ready') this.user.set(frame.user);
      this.#store.apply(frame);
    }
  }

  // The other tabs

  /** @param {any} message */
  #post(message) {
    this.#tabs?.post({ userId: this.#store.userId, ...message });
  }

  /** @param {any} message  of another tab */
  async #receive(message) {
    const { kind, userId } = message;
    if (kind === 'session') {
      await this.#session.load();
      return this.#forget(message.forgotten);
    }
    if (userId !== this.#store.userId) return;
    if (kind === 'outbox') this.#outbox.take(message.item);
    else if (kind === 'retry') this.#outbox.retried(message.item);
    else if (kind === 'cancelled') this.#outbox.cancelled(message.item);
    else if (kind === 'refused') this.#outbox.refused(message.item);
    else if (kind === 'progress') this.#outbox.advanced(message.item, message.progress);
    else if (this.#isLeader) {
      if (kind === 'hello') {
        await this.#store.flush();
        this.#post({
          kind: 'welcome',
          snapshot: this.#store.snapshot(),
          state: this.state.value,
          user: this.user.value,
          ...this.#leader,
        });
      } else if (kind === 'send') this.#connection.send(message.frame);
      else if (kind === 'wake') void this.#connection.wake();
    } else if (kind === 'lead') this.#post({ kind: 'hello' });
    else if (kind === 'state') message.id === this.#leader.id && this.state.set(message.state);
    else if (kind === 'welcome') {
      this.#leader = { id: message.id, number: message.number };
      this.user.set(message.user);
      this.#store.takeSnapshot(message.snapshot);
      this.state.set(message.state);
      this.#outbox.postAll();
    } else if (message.id === this.#leader.id && message.number === this.#leader.number + 1) {
      this.#leader.number += 1;
      this.#apply(message);
    } else if (message.number) this.#post({ kind: 'hello' });
  }

  /** Notice that the device woke up, and that the page is frozen or shown again. */
  #listen() {
    const wake = () => (this.#isLeader ? void this.#connection.wake() : this.#post({ kind: 'wake' }));
    const rest = () => {
      this.#connection.stop();
      void this.#store.rest();
      this.#tabs?.resign();
    };
    const back = () => (this.#isLeader ? wake() : this.#campaign());
    const on = (
      /** @type {EventTarget | undefined} */ target,
      /** @type {string} */ name,
      /** @type {(event: any) => void} */ listener,
    ) => {
      target?.addEventListener(name, listener);
      this.#undo.push(() => target?.removeEventListener(name, listener));
    };
    if (!globalThis.document) return;
    on(globalThis, 'online', wake);
    on(document, 'visibilitychange', () => (document.visibilityState === 'visible' ? wake() : void this.#store.flush()));
    on(globalThis, 'pagehide', rest);
    on(document, 'freeze', rest);
    on(document, 'resume', back);
    on(globalThis, 'pageshow', ({ persisted }) => persisted && back());
  }
}

/** Repeat what fails for now, as long as the server answers. @template T @param {() => Promise<T>} action @returns {Promise<T>} */
async function repeat(action) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isTemporary || !error.status || attempt > 5) throw error;
      await delay(1000 * Math.min(error.retryAfter ?? 2 ** attempt, 60));
    }
  }
}
