import { Value } from './value.js';

/**
 * @typedef {import('./types.js').Member} Member
 * @typedef {import('./types.js').InboxRow} InboxRow
 */

/** The members of a conversation, by user id. */
export class Members {
  /** The members, in no particular order. @type {Value<Member[]>} */
  value = new Value(/** @type {Member[]} */ ([]), () => [...(this.#byId?.values() ?? [])]);
  #api;
  /** @type {Map<number, Member> | null} */
  #byId = null;
  /** The last change of each member: an answer that arrives after it may be older. @type {Map<number, any>} */
  #changes = new Map();

  /** @param {import('./api.js').Api} api */
  constructor(api) {
    this.#api = api;
  }

  get isLoaded() {
    return this.#byId !== null;
  }

  /** Load the members of a room, or take the other side of a direct conversation. @param {InboxRow} row */
  async load({ kind, user, room }) {
    if (kind === 'dm' && user) this.#take([{ user, is_admin: false, joined_at: null }]);
    else if (kind === 'room' && room) this.#take(await this.#api.all(`/api/rooms/${room.id}/members?limit=100`));
  }

  /** @param {Member[]} members */
  #take(members) {
    this.#byId = new Map(members.map((member) => [member.user.id, member]));
    for (const change of this.#changes.values()) this.change(change);
    this.value.invalidate();
  }

  /** @param {any} change  an event, or a membership of /sync */
  change(change) {
    const { user_id, is_admin, user, joined_at } = change;
    this.#changes.set(user_id, change);
    const members = this.#byId;
    if (!members) return;
    const before = members.get(user_id);
    if (change.left_at || change.type === 'member.left') members.delete(user_id);
    else if (user || before) members.set(user_id, { joined_at, user, ...before, is_admin });
    else void this.#add(change);
    this.value.invalidate();
  }

  /** @param {any} change  an event of somebody who was no member */
  async #add(change) {
    const user = await this.#api.get(`/api/users/${change.user_id}`).catch(() => null);
    if (user && this.#changes.get(user.id) === change) this.change({ joined_at: new Date().toISOString(), user, ...change });
  }

  forget() {
    this.#byId = null;
    this.#changes.clear();
    this.value.invalidate();
  }
}
