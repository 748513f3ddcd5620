/**
 * A value that can be watched. It is replaced and never changed in place, so that two reads without a change between them return
 * the same object.
 * @template T
 */
export class Value {
  /** @type {Set<(value: T) => void>} */
  #listeners = new Set();
  /** @type {(() => T) | undefined} */
  #compute;
  /** @type {T} */
  #value;
  #isStale = false;
  #isScheduled = false;

  /**
   * @param {T} value
   * @param {() => T} [compute] computes the value after `invalidate`, at the next read
   * @internal
   */
  constructor(value, compute) {
    this.#value = value;
    this.#compute = compute;
  }

  /** What it is now. @returns {T} */
  get value() {
    if (this.#isStale && this.#compute) {
      this.#isStale = false;
      this.#value = this.#compute();
    }
    return this.#value;
  }

  /** @param {T} value @internal */
  set(value) {
    this.#isStale = false;
    this.#value = value;
    this.#schedule();
  }

  /** Compute the value anew at the next read. @internal */
  invalidate() {
    this.#isStale = true;
    this.#schedule();
  }

  /**
   * Call `listener` after changes: once for all changes that happen together.
   * @param {(value: T) => void} listener
   * @returns {() => void} ends the subscription
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #schedule() {
    if (this.#isScheduled || !this.#listeners.size) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      for (const listener of [...this.#listeners]) callSafely(listener, this.value);
    });
  }
}

/**
 * Call a listener of the application. What it throws is reported, and stops nothing.
 * @template T
 * @param {(value: T) => void} listener
 * @param {T} value
 */
export function callSafely(listener, value) {
  try {
    listener(value);
  } catch (error) {
    console.error(error);
  }
}

/** @param {number} milliseconds @param {AbortSignal} [signal] ends the wait early */
export function delay(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(undefined);
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

/** The order of two values, for `sort`. @param {string | number} a @param {string | number} b */
export function compare(a, b) {
  return a < b ? -1 : Number(a > b);
}

/** A random id. Unlike crypto.randomUUID it needs no secure context. */
export function newId() {
  return crypto.getRandomValues(new Uint32Array(4)).join('-');
}
