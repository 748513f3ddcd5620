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
    this.value.invalidate();
  }

  /** @param {any} change  an event, or a membership of /sync */
  change(change) {
    const members = this.#byId;
    if (!members) return;
    const { user_id, is_admin } = change;
    const before = members.get(user_id);
    if (change.left_at || change.type === 'member.left') members.delete(user_id);
    else if (change.user || before) {
      members.set(user_id, { joined_at: change.joined_at ?? null, user: change.user, ...before, is_admin });
    } else void this.#add(user_id, is_admin);
    this.value.invalidate();
  }

  /** @param {number} userId @param {boolean} isAdmin */
  async #add(userId, isAdmin) {
    const user = await this.#api.get(`/api/users/${userId}`).catch(() => null);
    if (user) this.#byId?.set(userId, { user, is_admin: isAdmin, joined_at: new Date().toISOString() });
    this.value.invalidate();
  }

  forget() {
    this.#byId = null;
    this.value.invalidate();
  }
}
