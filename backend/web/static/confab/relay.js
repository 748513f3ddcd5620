import { newId } from './value.js';

/** @typedef {import('./types.js').State} State */

/**
 * Keeps the tabs of one browser the same. The leading tab numbers what it applies, and posts it; the others apply it in that order,
 * and ask for a snapshot when a number is missing.
 */
export class Relay {
  #client;
  /** The tab whose numbers this one follows, and the last of them. */
  #leader = { id: '', number: 0 };

  /**
   * @param {{
   *   tabs: () => import('./tabs.js').Tabs | null, store: import('./store.js').Store, outbox: import('./outbox.js').Outbox,
   *   session: import('./session.js').Session, connection: import('./connection.js').Connection,
   *   state: import('./value.js').Value<State>, user: import('./value.js').Value<import('./types.js').User | null>,
   *   forget: (userId: number) => Promise<void>
   * }} client
   */
  constructor(client) {
    this.#client = client;
  }

  get isLeader() {
    return this.#client.tabs()?.isLeader ?? false;
  }

  /** Send a message to the other tabs. @param {any} message */
  post(message) {
    this.#client.tabs()?.post({ userId: this.#client.store.userId, ...message });
  }

  /** This tab leads from now on. */
  lead() {
    this.#leader = { id: newId(), number: 0 };
    this.post({ kind: 'lead' });
  }

  /** @param {State} state  of this tab */
  setState(state) {
    this.#client.state.set(state);
    if (this.isLeader) this.post({ kind: 'state', state, id: this.#leader.id });
  }

  /** Apply what the socket brought, here and in the other tabs. @param {any} message */
  broadcast(message) {
    this.#leader.number += 1;
    this.post({ ...message, ...this.#leader });
    this.#apply(message);
  }

  /** @param {any} message */
  #apply({ kind, frame, rows, row }) {
    const { store, user } = this.#client;
    if (kind === 'inbox') store.takeInbox(rows);
    else if (kind === 'caught-up') store.caughtUp();
    else if (kind === 'row') store.rows.take(row);
    else {
      if (frame.type === 'ready') user.set(frame.user);
      store.apply(frame);
    }
  }

  /** @param {any} message  of another tab */
  async receive(message) {
    const { session, store, outbox, forget } = this.#client;
    const { kind, userId, item } = message;
    if (kind === 'session') {
      await session.load();
      return forget(message.forgotten);
    }
    if (userId !== store.userId) return;
    if (kind === 'outbox') outbox.take(item);
    else if (kind === 'retry') outbox.retried(item);
    else if (kind === 'cancelled') outbox.cancelled(item);
    else if (kind === 'refused') outbox.refused(item);
    else if (kind === 'progress') outbox.advanced(item, message.progress);
    else if (this.isLeader) await this.#answer(message);
    else this.#follow(message);
  }

  /** Do what a following tab asks for. @param {any} message */
  async #answer({ kind, frame, id }) {
    const { store, connection, state, user } = this.#client;
    if (kind === 'hello') {
      await store.keeper.flush();
      this.post({ kind: 'welcome', snapshot: store.snapshot(), state: state.value, user: user.value, ...this.#leader });
    } else if (kind === 'send') connection.send(frame);
    else if (kind === 'stale') store.rows.refresh(store.conversation(id));
    else if (kind === 'wake') void connection.wake();
  }

  /** @param {any} message  of the leading tab, or of one that led before */
  #follow(message) {
    const { store, outbox, state, user } = this.#client;
    const { kind, id, number } = message;
    const isNext = id === this.#leader.id && number === this.#leader.number + 1;
    if (kind === 'lead') this.post({ kind: 'hello' });
    else if (kind === 'state') id === this.#leader.id && state.set(message.state);
    else if (kind === 'welcome') {
      this.#leader = { id, number };
      user.set(message.user);
      store.takeSnapshot(message.snapshot);
      state.set(message.state);
      outbox.postAll();
    } else if (isNext) {
      this.#leader.number += 1;
      this.#apply(message);
    } else if (number) this.post({ kind: 'hello' });
  }
}
