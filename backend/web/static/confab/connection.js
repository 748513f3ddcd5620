import { ApiError } from './api.js';
import { delay } from './value.js';

/**
 * @typedef {import('./types.js').State} State
 * @typedef {{resolve: (frame: any) => void, reject: (error: ApiError) => void, extend: () => void}} Pending
 * @typedef {{code: number, liveFor: number}} Ending  how a socket ended, and for how many milliseconds it was live
 */

const OPEN_TIMEOUT = 10_000;
const ANSWER_TIMEOUT = 20_000;
const PONG_TIMEOUT = 4_000;
const CHECK_INTERVAL = 1_000;
const SILENCE = 30_000;
const ASLEEP = 10_000;
const SETTLED = 10_000;

/** One socket at a time: opened again when it ends, with new tokens before they expire. */
export class Connection {
  #address;
  #session;
  #events;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<string, Pending>} */
  #pending = new Map();
  #number = 0;
  #heardAt = 0;
  #checkedAt = 0;
  #triedAt = 0;
  #attempts = 0;
  /** @type {AbortController | null} */
  #running = null;
  #pause = new AbortController();
  /** @type {((code: number) => void) | null} */
  #end = null;
  #token = '';
  #isRenewing = false;
  isLive = false;
  /** The milliseconds between two sends: longer after the server closed the socket because of too many frames. */
  pace = 0;

  /**
   * @param {string} address  `wss://host/ws/CLIENT_ID`
   * @param {import('./session.js').Session} session
   * @param {{state: (state: State) => void, frame: (frame: any) => void, ready: (frame: any) => Promise<void>, live: () => void}} events
   *   `ready` catches up: the connection is live when it resolves
   */
  constructor(address, session, events) {
    this.#address = address;
    this.#session = session;
    this.#events = events;
  }

  /** Open the socket, and open it again whenever it ends, until `stop`. */
  async start() {
    if (this.#running) return;
    const running = new AbortController();
    this.#running = running;
    this.#checkedAt = Date.now();
    const timer = setInterval(() => this.#check(), CHECK_INTERVAL);
    try {
      while (!running.signal.aborted) if (!(await this.#connect(running.signal))) break;
    } finally {
      clearInterval(timer);
      if (this.#running === running) this.#running = null;
    }
  }

  /** Close the socket, and open no other. */
  stop() {
    this.#running?.abort();
    this.#running = null;
    this.#pause.abort();
    this.#end?.(1000);
  }

  /** Send a frame that has no answer of interest. Returns false if the socket is not open. @param {any} frame */
  send(frame) {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /**
   * Send a frame, and wait for its answer. Rejects with ApiError: with what the server answered, or with `network` if the socket
   * ends first.
   * @param {any} frame
   * @param {number} [timeout] after which a socket without an answer is taken for dead
   * @returns {Promise<any>}
   */
  request(frame, timeout = ANSWER_TIMEOUT) {
    this.#number += 1;
    const id = String(this.#number);
    if (!this.send({ ...frame, id })) return Promise.reject(cutOff());
    const { promise, resolve, reject } = Promise.withResolvers();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const extend = () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#end?.(1006), timeout);
    };
    extend();
    this.#pending.set(id, { resolve, reject, extend });
    return promise.finally(() => {
      clearTimeout(timer);
      this.#pending.delete(id);
    });
  }

  /** The device woke up, or the network came back: find out at once whether the socket still lives, or open one. */
  async wake() {
    if (this.#socket) {
      await this.#renew(PONG_TIMEOUT);
      await this.request({ type: 'ping' }, PONG_TIMEOUT).catch(() => {});
    } else if (Date.now() - this.#triedAt > 1_000) this.#pause.abort();
  }

  /** Open a socket, and wait until it ends. Resolves with whether to open another. @param {AbortSignal} signal */
  async #connect(signal) {
    this.#tell('connecting');
    this.#triedAt = Date.now();
    let token;
    try {
      token = await this.#session.token();
    } catch {
      return this.#wait(signal, 'network');
    }
    if (signal.aborted) return false;
    if (!token) return this.#signedOut('no_token');
    const { code, liveFor } = await this.#open(token);
    if (signal.aborted) return false;
    if (liveFor > SETTLED) this.#attempts = 0;
    if (code === 4409) {
      this.#tell('offline', 'replaced');
      return false;
    }
    if (code === 4429) this.pace = Math.min(1000, (this.pace || 50) * 2);
    if (code !== 4401) return this.#wait(signal, String(code));
    try {
      const renewed = await this.#session.renew(this.#token);
      if (signal.aborted) return false;
      if (!renewed) return this.#signedOut('rejected');
    } catch {
      return this.#wait(signal, 'network');
    }
    this.#attempts += 1;
    return this.#attempts === 1 || this.#wait(signal, '4401');
  }

  /** @param {State['status']} status @param {string | null} [reason] @param {Date | null} [retryAt] */
  #tell(status, reason = null, retryAt = null) {
    this.#events.state({ status, retryAt, reason });
  }

  /** @param {string} reason */
  #signedOut(reason) {
    this.#tell('signed-out', reason);
    return false;
  }

  /** Wait before the next attempt: twice as long each time, from 1 to 30 s, a random part of it. @param {AbortSignal} signal @param {string} reason */
  async #wait(signal, reason) {
    const longest = Math.min(30_000, 2_000 * 2 ** Math.min(this.#attempts++, 5));
    const wait = Math.max(1_000, longest * (0.5 + Math.random() / 2));
    this.#tell('offline', reason, new Date(Date.now() + wait));
    this.#pause = new AbortController();
    await delay(wait, this.#pause.signal);
    return !signal.aborted;
  }

  /** @param {string} token @returns {Promise<Ending>} */
  #open(token) {
    this.#token = token;
    let liveAt = Infinity;
    return new Promise((resolve) => {
      const socket = new WebSocket(`${this.#address}?token=${encodeURIComponent(token)}`);
      const opening = setTimeout(() => end(1006), OPEN_TIMEOUT);
      const end = (/** @type {number} */ code) => {
        clearTimeout(opening);
        if (this.#socket !== socket) return;
        this.#socket = this.#end = null;
        this.isLive = false;
        socket.onmessage = socket.onclose = socket.onerror = null;
        if (socket.readyState < 2) socket.close(code === 1000 ? 1000 : undefined);
        for (const { reject } of [...this.#pending.values()]) reject(cutOff());
        resolve({ code, liveFor: Date.now() - liveAt });
      };
      const start = async (/** @type {any} */ ready) => {
        clearTimeout(opening);
        this.#tell('catching-up');
        try {
          await this.#events.ready(ready);
        } catch {
          return end(1006);
        }
        if (this.#socket !== socket) return;
        this.isLive = true;
        liveAt = Date.now();
        this.#tell('live');
        this.#events.live();
      };
      this.#socket = socket;
      this.#end = end;
      socket.onmessage = ({ data }) => {
        this.#heardAt = Date.now();
        const frame = JSON.parse(data);
        if (frame.type === 'ready') void start(frame);
        else this.#receive(frame);
      };
      socket.onclose = ({ code }) => end(code);
      // Node sends no `close` for a connection that never came about. Where one follows, it has the code.
      socket.onerror = () => setTimeout(() => end(1006), 100);
    });
  }

  /** @param {any} frame */
  #receive(frame) {
    const pending = this.#pending.get(frame.id);
    if (frame.type === 'resumed') {
      this.#events.frame(frame);
      if (frame.done) pending?.resolve(frame);
      else pending?.extend();
    } else if (frame.type === 'error') {
      const status = STATUSES[frame.code] ?? 400;
      pending?.reject(new ApiError(status, frame.code, frame.detail, frame.retry_after, frame.errors));
    } else if (pending) pending.resolve(frame);
    else this.#events.frame(frame);
  }

  /** Look once a second for a pause of the device, a silent socket, and a token that is about to expire. */
  #check() {
    const now = Date.now();
    const hasSlept = now - this.#checkedAt > ASLEEP;
    this.#checkedAt = now;
    if (hasSlept || (this.isLive && now - this.#heardAt > SILENCE)) {
      this.#heardAt = now;
      void this.wake();
    } else if (this.isLive) void this.#renew();
  }

  /** Send a new token if this one is about to expire. @param {number} [timeout] after which the socket is taken for dead */
  async #renew(timeout) {
    if (this.#isRenewing || !this.#session.isExpiring) return;
    this.#isRenewing = true;
    try {
      const token = await this.#session.renew(this.#token, 'expiring');
      if (!token || token === this.#token) return;
      this.#token = token;
      await this.request({ type: 'auth', token }, timeout);
    } catch {
      await delay(5_000); // the server is away, or closes the socket with 4401
    } finally {
      this.#isRenewing = false;
    }
  }
}

function cutOff() {
  return new ApiError(0, 'network', 'The socket is closed.');
}

/** The HTTP statuses of the codes that a socket answers with, where they matter: the rest is the client's fault. @type {Record<string, number>} */
const STATUSES = {
  rate_limited: 429,
  unavailable: 503,
  internal_error: 500,
  unauthorized: 401,
  forbidden: 403,
  insufficient_scope: 403,
  blocked: 403,
  not_a_member: 403,
  not_found: 404,
  idempotency_conflict: 409,
  message_deleted: 409,
  validation_failed: 422,
};
