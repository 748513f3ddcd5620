import { Api, ApiError } from './api.js';
import { CatchUp } from './catch-up.js';
import { Connection } from './connection.js';
import { Outbox } from './outbox.js';
import { Relay } from './relay.js';
import { Session } from './session.js';
import { openStorage } from './storage.js';
import { Store } from './store.js';
import { Tabs } from './tabs.js';
import { callSafely, newId, Value } from './value.js';
import { watchPage } from './wake.js';

export { ApiError, Value };

/**
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').User} User
 */

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
  #catchUp;
  /** @type {Relay} */
  #relay;
  /** @type {Tabs | null} */
  #tabs = null;
  /** @type {Map<string, Set<(value: any) => void>>} */
  #listeners = new Map();
  #unwatch = () => {};
  /** @type {Promise<any>} */
  #turn = Promise.resolve();

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
      isLeader: () => this.#relay.isLeader,
      connection: () => this.#connection,
      changed: (id) => this.#store.conversation(id).outbox.invalidate(),
      post: (message) => this.#relay.post(message),
    });
    this.#store = new Store(this.api, storage, this.#outbox, {
      mayRead: () => this.#relay.isLeader && !this.state.value.retryAt,
      emit: (name, value) => this.#emit(name, value),
      ask: (id) => this.#relay.post({ kind: 'stale', id }),
      share: (row) => this.#relay.broadcast({ kind: 'row', row }),
      send: (frame) => (this.#relay.isLeader ? this.#connection.send(frame) : this.#relay.post({ kind: 'send', frame })),
    });
    this.inbox = this.#store.inbox;
    this.online = this.#store.online;
    const clientId = options.clientId ?? newId();
    this.#connection = new Connection(`${this.#url.replace(/^http/, 'ws')}/ws/${clientId}`, this.#session, {
      // What the user may no longer see is gone before the state says so.
      state: (state) => (state.status === 'signed-out' && !options.getToken ? this.#switch() : this.#relay.setState(state)),
      frame: (frame) => this.#catchUp.apply(frame),
      ready: (frame) => this.#catchUpAfter(frame),
      live: () => this.#outbox.pumpAll(),
    });
    this.#relay = new Relay({
      tabs: () => this.#tabs,
      store: this.#store,
      outbox: this.#outbox,
      session: this.#session,
      connection: this.#connection,
      state: this.state,
      user: this.user,
      forget: (userId) => this.#forget(userId),
    });
    this.#catchUp = new CatchUp(
      this.api,
      this.#store,
      (frame) => this.#connection.request(frame),
      (message) => this.#relay.broadcast(message),
    );
  }

  /**
   * Show what is kept on the device, connect, and stay connected until `stop`. Resolves at the first `live`, however long that
   * takes, or with `stop`.
   */
  async start() {
    if (!this.#tabs) {
      this.#tabs = new Tabs(this.#name, (message) => this.#relay.receive(message));
      this.#unwatch = watchPage({
        wake: () => this.#wake(),
        hide: () => void this.#store.keeper.flush(),
        rest: () => this.#rest(),
        back: () => (this.#relay.isLeader ? this.#wake() : this.#campaign()),
      });
      this.#relay.setState({ status: 'connecting', retryAt: null, reason: null });
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
    this.#unwatch();
    this.#connection.stop();
    await this.#store.keeper.flush();
    this.#tabs?.close();
    this.#tabs = null;
    this.#relay.setState({ status: 'offline', retryAt: null, reason: 'stopped' });
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

  /** @param {string} name @param {any} value */
  #emit(name, value) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) callSafely(listener, value);
  }

  // Signing in and out

  /** @param {string} path @param {any} body @returns {Promise<User>} */
  async #signIn(path, body) {
    const user = await this.#session.signIn(path, body);
    this.#relay.post({ kind: 'session', forgotten: 0 });
    await this.#turn;
    return user;
  }

  /** @param {{forget?: boolean}} [options] */
  async #signOut({ forget = false } = {}) {
    const userId = this.#store.userId;
    const [told] = await this.#session.signOut();
    this.#relay.post({ kind: 'session', forgotten: forget ? userId : 0 });
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
      this.#relay.post({ kind: 'hello', userId });
    }
    if (!this.#relay.isLeader) return;
    if (userId) void this.#connection.start();
    else {
      this.#connection.stop();
      this.#relay.setState({ status: 'signed-out', retryAt: null, reason: 'no_token' });
    }
  }

  // The leading tab

  #campaign() {
    void this.#tabs?.campaign(() => {
      this.#relay.lead();
      this.#turn = this.#turn.then(() => this.#store.keeper.lead()).then(() => this.#outbox.load());
      this.#switch();
    });
  }

  /** @param {any} frame  `ready`, of a new socket */
  async #catchUpAfter(frame) {
    if (frame.user.id !== this.#store.userId) {
      this.#switch(); // `getToken` gave the token of another user
      throw new ApiError(401, 'unauthorized', 'The token is of another user.');
    }
    this.#relay.broadcast({ kind: 'frame', frame });
    await this.#catchUp.run();
  }

  /** Go on after a pause of the device or of the page. */
  #wake() {
    if (this.#relay.isLeader) void this.#connection.wake();
    else this.#relay.post({ kind: 'wake' });
  }

  #rest() {
    this.#connection.stop();
    void this.#store.keeper.rest();
    this.#tabs?.resign();
  }
}
