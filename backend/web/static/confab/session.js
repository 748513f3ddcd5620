import { ApiError, request } from './api.js';
import { exclusively } from './tabs.js';
import { newId } from './value.js';

/**
 * @typedef {import('./types.js').TokenAnswer} TokenAnswer
 * @typedef {import('./types.js').User} User
 * @typedef {{key: string, user: User, access: string, refresh: string, renewAt: number}} Kept
 *   `key` names one sign-in; `renewAt` is in milliseconds of this device's clock, which may be wrong: it is compared with itself alone
 */

const KEY = ['session'];

/** Who is signed in, and the access token: from the application (`getToken`), or from sign-ins through this class. */
export class Session {
  #url;
  #getToken;
  #storage;
  #onChange;
  /** @type {Kept | null} */
  #kept = null;
  /** @type {string | null} */
  #given = null;
  #givenRenewAt = Infinity;
  /** The token that the server refused last: it is not used again. @type {string | null} */
  #refused = null;
  /** No refresh before this time, because the server said so with `#delay`: in milliseconds of `performance.now()`. */
  #refreshableAt = 0;
  /** @type {ApiError | undefined} */
  #delay;
  #changes = 0;
  #identified = { token: '', id: 0 };

  /**
   * @param {string} url
   * @param {import('./types.js').GetToken | undefined} getToken
   * @param {() => Promise<import('./storage.js').Storage>} storage
   * @param {() => void} onChange  after a sign-in and a sign-out, not after a refresh
   */
  constructor(url, getToken, storage, onChange) {
    this.#url = url;
    this.#getToken = getToken;
    this.#storage = storage;
    this.#onChange = onChange;
  }

  /**
   * The id of the signed-in user, or 0. Only for an API token the network is needed, once. Rejects with ApiError.
   * @returns {Promise<number>}
   */
  async identify() {
    if (this.#kept) return this.#kept.user.id;
    const token = await this.token();
    if (!token) return 0;
    const id = claims(token)?.sub;
    if (id || this.#identified.token === token) return id || this.#identified.id;
    const { body } = await request(`${this.#url}/api/users/me`, { token });
    this.#identified = { token, id: body.id };
    return body.id;
  }

  /** Who is signed in, as of the sign-in. */
  get user() {
    return this.#kept?.user ?? null;
  }

  /** Whether the token has to be replaced. */
  get isExpiring() {
    return Date.now() >= (this.#getToken ? this.#givenRenewAt : (this.#kept?.renewAt ?? Infinity));
  }

  /** Read again what is kept: at the start, and after another tab signed in or out. */
  async load() {
    const changes = this.#changes;
    const kept = (await (await this.#storage()).get(KEY)) ?? null;
    if (changes !== this.#changes) return;
    const isOther = kept?.key !== this.#kept?.key;
    this.#kept = kept;
    if (isOther) this.#onChange();
  }

  /**
   * The access token, refreshed if it is about to expire. Null where nobody is signed in. Rejects with ApiError where the
   * server cannot be reached.
   * @param {string} [reason]
   * @returns {Promise<string | null>}
   */
  async token(reason = 'start') {
    if (this.#getToken) return this.#given ?? (await this.#ask(reason));
    if (!this.#kept) return null;
    const { access } = this.#kept;
    return this.isExpiring || access === this.#refused ? this.#refresh(access) : access;
  }

  /**
   * A token in place of one that the server refused (null if there is no other), or that is about to expire.
   * @param {string} token
   * @param {'rejected' | 'expiring'} [reason]
   * @returns {Promise<string | null>}
   */
  async renew(token, reason = 'rejected') {
    if (reason === 'rejected') this.#refused = token;
    if (this.#getToken) {
      if (this.#given !== token) return this.#given;
      return this.#ask(reason);
    }
    return this.#kept && this.#kept.access === token ? this.#refresh(token) : (this.#kept?.access ?? null);
  }

  /**
   * Sign in with a call that answers with tokens, such as POST /api/auth/login.
   * @param {string} path
   * @param {any} body
   * @returns {Promise<User>}
   */
  async signIn(path, body) {
    const { body: answer } = await request(this.#url + path, { method: 'POST', body });
    this.#changes += 1;
    await this.#keep({ key: newId(), ...fromAnswer(answer) });
    this.#onChange();
    return answer.user;
  }

  /** Forget the tokens, then tell the server: what is returned has the promise of that, which never rejects. */
  async signOut() {
    const token = this.#kept?.access ?? this.#given;
    await this.drop();
    return [token && request(`${this.#url}/api/auth/logout`, { method: 'POST', token }).catch(() => {})];
  }

  /** Forget the tokens. */
  async drop() {
    this.#changes += 1;
    this.#kept = this.#given = null;
    this.#givenRenewAt = Infinity;
    await (await this.#storage()).clear(KEY);
    this.#onChange();
  }

  /** @param {string} reason */
  async #ask(reason) {
    const changes = this.#changes;
    let token = (await this.#getToken?.({ reason })) ?? null;
    if (changes !== this.#changes) return this.#given;
    if (token === this.#refused) token = null;
    this.#given = token;
    const { iat, exp } = claims(token) ?? {};
    this.#givenRenewAt = iat && exp ? renewalOf(exp - iat) : Infinity;
    return token;
  }

  /** @param {string} [refused] @returns {Promise<string | null>} */
  #refresh(refused) {
    return exclusively(`confab refresh ${this.#url}`, async () => {
      const before = /** @type {Kept | undefined} */ (await (await this.#storage()).get(KEY));
      if (!before || before.key !== this.#kept?.key) return null; // signed out, or in as another user
      this.#kept = before; // another tab may have refreshed it
      if (before.access !== refused && !this.isExpiring) return before.access;
      if (performance.now() < this.#refreshableAt) throw this.#delay;
      let after;
      try {
        const body = { refresh_token: before.refresh };
        after = fromAnswer((await request(`${this.#url}/api/auth/refresh`, { method: 'POST', body })).body);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        this.#delay = error;
        this.#refreshableAt = performance.now() + 1000 * (error.retryAfter ?? 0);
        if (error.isTemporary) throw error;
        after = null;
      }
      const now = await (await this.#storage()).get(KEY);
      if (now?.key !== before.key || this.#kept?.key !== before.key) return null; // the answer came after signing out
      if (after) await this.#keep({ key: before.key, ...after });
      else await this.drop();
      return after ? after.access : null;
    });
  }

  /** @param {Kept} kept */
  async #keep(kept) {
    this.#kept = kept;
    await (await this.#storage()).write([{ key: KEY, value: kept }]);
  }
}

/** @param {TokenAnswer} answer */
function fromAnswer(answer) {
  const { user, access_token: access, refresh_token: refresh } = answer;
  return { user, access, refresh, renewAt: renewalOf(answer.expires_in) };
}

/** What a JWT says, unverified: the server verifies it. @param {string | null} token */
function claims(token) {
  try {
    const { sub, iat, exp } = JSON.parse(atob((token ?? '').split('.')[1].replace(/-/g, '+').replace(/_/g, '/')));
    return { sub: Number(sub), iat: Number(iat), exp: Number(exp) };
  } catch {}
}

/** When to renew a token that lives for so many seconds from now: a minute before its end, or sooner if it is short-lived. @param {number} seconds */
function renewalOf(seconds) {
  return Date.now() + 1000 * Math.max(seconds - 60, seconds * 0.8);
}
