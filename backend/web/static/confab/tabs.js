/**
 * The tabs of one browser that show the same account's server: one of them leads, and holds the socket. The others follow. Where
 * Web Locks or BroadcastChannel are missing, as in Node, each client leads alone.
 */
export class Tabs {
  #name;
  #channel;
  /** @type {(() => void) | undefined} */
  #release;
  #abort = new AbortController();
  #hasOthers;
  isLeader = false;

  /** @param {string} name @param {(message: any) => void} onMessage  gets what the other tabs post */
  constructor(name, onMessage) {
    this.#name = name;
    this.#hasOthers = Boolean(globalThis.document && globalThis.navigator?.locks && globalThis.BroadcastChannel);
    if (!this.#hasOthers) return;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => onMessage(data);
  }

  /** Send `message` to the other tabs. It must be cloneable. @param {any} message */
  post(message) {
    this.#channel?.postMessage(message);
  }

  /**
   * Call `onLead` when this tab becomes the leader: at once where there is no other. A tab that ends gives the lead away.
   * @param {() => void} onLead
   */
  async campaign(onLead) {
    const lead = () => {
      this.isLeader = true;
      onLead();
    };
    if (!this.#hasOthers) return lead();
    try {
      await navigator.locks.request(`${this.#name} leader`, { signal: this.#abort.signal }, () => {
        if (this.#abort.signal.aborted) return;
        return new Promise((resolve) => {
          this.#release = () => resolve(undefined);
          lead();
        });
      });
    } catch {} // the tab resigned while it waited
  }

  /** Give the lead away. `campaign` asks for it again. */
  resign() {
    this.isLeader = false;
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#release?.();
    this.#release = undefined;
  }

  close() {
    this.resign();
    this.#channel?.close();
  }
}

/** @type {Map<string, Promise<any>>} */
const running = new Map();

/**
 * Run `action` while no other tab or client of this process runs one of the same name.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function exclusively(name, action) {
  if (globalThis.document && navigator.locks) return navigator.locks.request(name, action);
  const done = (running.get(name) ?? Promise.resolve()).then(action, action);
  running.set(
    name,
    done.catch(() => {}),
  );
  return done;
}
