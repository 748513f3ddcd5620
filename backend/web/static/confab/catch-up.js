import { ApiError } from './api.js';
import { delay } from './value.js';

/** The longest list of positions in a `resume`: a frame has at most 64 KiB. */
const POSITIONS_LENGTH = 65_000;

/** Brings everything up to date on a new socket: the inbox, then what changed in its conversations. */
export class CatchUp {
  #api;
  #store;
  #resume;
  #broadcast;
  /** The frames that wait for the answer to a call. @type {any[] | null} */
  #held = null;

  /**
   * @param {import('./api.js').Api} api
   * @param {import('./store.js').Store} store
   * @param {(frame: any) => Promise<any>} resume  sends a frame on the socket
   * @param {(message: any) => void} broadcast
   */
  constructor(api, store, resume, broadcast) {
    this.#api = api;
    this.#store = store;
    this.#resume = resume;
    this.#broadcast = broadcast;
  }

  /** Resolves when the last page of what was missed is applied. Rejects with ApiError. */
  async run() {
    await repeat(() =>
      this.#hold(async () => {
        const rows = await this.#api.all('/api/chat/conversations?limit=100');
        if (this.#held) this.#broadcast({ kind: 'inbox', rows }); // else another socket has caught up meanwhile
      }),
    );
    await repeat(async () => {
      const conversations = this.#store.positions();
      if (JSON.stringify(conversations).length < POSITIONS_LENGTH) await this.#resume({ type: 'resume', conversations });
      else while (await this.#sync());
    });
    this.#broadcast({ kind: 'caught-up' });
  }

  /** Apply a frame of the socket. @param {any} frame */
  apply(frame) {
    if (this.#held) this.#held.push(frame);
    else this.#broadcast({ kind: 'frame', frame });
  }

  /** Apply a page of what changed, where there are too many conversations for `resume`. Resolves with whether there is more. */
  #sync() {
    return this.#hold(async () => {
      const page = await this.#api.post('/api/chat/sync', { conversations: this.#store.positions() });
      const isMore = page.conversations.some((/** @type {any} */ { truncated }) => truncated);
      this.#broadcast({ kind: 'frame', frame: { type: 'resumed', ...page, done: !isMore } });
      return isMore;
    });
  }

  /**
   * Apply the answer to a call. What arrives during the call follows, as it follows the pages on the socket: the answer may be older.
   * @template T
   * @param {() => Promise<T>} action
   */
  async #hold(action) {
    /** @type {any[]} */
    const held = [];
    this.#held = held;
    try {
      return await action();
    } finally {
      if (this.#held === held) {
        this.#held = null;
        for (const frame of held) this.apply(frame);
      }
    }
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
