import { Value } from './value.js';

const INTERVAL = 3_000;

/** Who is typing in a conversation, and when to tell that the user is. */
export class Typists {
  /** The ids of those who are typing. */
  value = new Value(/** @type {number[]} */ ([]));
  #send;
  #sentAt = 0;
  /** @type {Map<number, ReturnType<typeof setTimeout>>} */
  #timers = new Map();

  /** @param {(isTyping: boolean) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {number} userId @param {boolean} isTyping @param {number} [expiry] milliseconds */
  set(userId, isTyping, expiry) {
    clearTimeout(this.#timers.get(userId));
    const had = this.#timers.delete(userId);
    if (isTyping)
      this.#timers.set(
        userId,
        setTimeout(() => this.set(userId, false), expiry),
      );
    if (had !== isTyping) this.value.set([...this.#timers.keys()]);
  }

  clear() {
    for (const userId of [...this.#timers.keys()]) this.set(userId, false);
  }

  /** The user types: it is sent once in three seconds. */
  start() {
    if (Date.now() - this.#sentAt < INTERVAL) return;
    this.#sentAt = Date.now();
    this.#send(true);
  }

  /** The user does not type any more. */
  stop() {
    if (this.#sentAt) this.#send(false);
    this.#sentAt = 0;
  }

  /** The user sent the message, which tells the others that the typing is over. */
  sent() {
    this.#sentAt = 0;
  }
}
