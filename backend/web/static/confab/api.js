/** An answer that is no success, or none at all (`status` 0, `code` `network`). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} detail
   * @param {number} [retryAfter] seconds
   * @param {Record<string, string[]>} [errors]
   */
  constructor(status, code, detail, retryAfter, errors) {
    super(detail);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retryAfter = retryAfter;
    this.errors = errors;
  }

  /** Whether the same request may succeed later: no network, a server that is away, too many requests. */
  get isTemporary() {
    return [0, 408, 429].includes(this.status) || this.status >= 500;
  }
}

const TIMEOUT = 30_000;

/**
 * One HTTP request without a token. Resolves with the decoded body and the answer; rejects with ApiError.
 * @param {string} url
 * @param {{method?: string, body?: any, token?: string | null, signal?: AbortSignal, onProgress?: (part: number) => void}} options
 *   body: JSON, or a FormData
 * @returns {Promise<{body: any, response: Response}>}
 */
export async function request(url, { method = 'GET', body, token, signal, onProgress } = {}) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) headers['Content-Type'] = 'application/json';
  const limit = new AbortController();
  const timer = isForm ? 0 : setTimeout(() => limit.abort(), TIMEOUT);
  let response, answer;
  try {
    const options = {
      method,
      headers,
      body: isForm || body === undefined ? body : JSON.stringify(body),
      signal: AbortSignal.any([signal ?? limit.signal, limit.signal]),
      // The page may be about to go away, and a deletion is to be done still.
      keepalive: method === 'DELETE',
    };
    response = await (isForm && globalThis.XMLHttpRequest ? upload(url, options, onProgress) : fetch(url, options));
    // A download takes as long as its size needs.
    if (response.headers.has('Content-Disposition')) clearTimeout(timer);
    const type = response.headers.get('Content-Type') ?? '';
    const read = /\bjson\b/.test(type) ? 'json' : /^text/.test(type) ? 'text' : 'blob';
    answer = response.status === 204 ? null : await response[read]();
  } catch {
    throw new ApiError(0, 'network', 'No answer. Check the connection.');
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return { body: answer, response };
  const wait = Number(response.headers.get('Retry-After')) || undefined;
  const { code = 'error', detail = response.statusText, errors } = answer ?? {};
  throw new ApiError(response.status, code, detail, wait, errors);
}

/**
 * The same as `fetch`, which tells of no progress.
 * @param {string} url
 * @param {{method: string, headers: Record<string, string>, body: FormData, signal: AbortSignal}} options
 * @param {(part: number) => void} [onProgress]
 * @returns {Promise<Response>}
 */
function upload(url, { method, headers, body, signal }, onProgress) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const call = new XMLHttpRequest();
    call.open(method, url);
    for (const name in headers) call.setRequestHeader(name, headers[name]);
    if (onProgress) call.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    call.onload = () => {
      const { status, statusText } = call;
      const named = ['Content-Type', 'Retry-After'].map((name) => [name, call.getResponseHeader(name) ?? '']);
      resolve(new Response(call.response || null, { status, statusText, headers: Object.fromEntries(named) }));
    };
    call.onerror = call.onabort = reject;
    signal.onabort = () => call.abort();
    call.send(body);
  });
}

/** Calls of the REST API, with the token of the session. Each resolves with JSON, text or a Blob, and rejects with ApiError. */
export class Api {
  #url;
  #session;

  /**
   * @param {string} url
   * @param {import('./session.js').Session} session
   * @internal
   */
  constructor(url, session) {
    this.#url = url;
    this.#session = session;
  }

  /** @param {string} path @param {AbortSignal} [signal] */
  get(path, signal) {
    return this.request('GET', path, undefined, signal);
  }

  /**
   * @param {string} path
   * @param {any} [body]
   * @param {AbortSignal} [signal]
   * @param {(part: number) => void} [onProgress] gets how much of a FormData is uploaded, from 0 to 1; not called in Node
   * @returns {Promise<any>}
   */
  async post(path, body, signal, onProgress) {
    return (await this.#send('POST', path, body, signal, onProgress)).body;
  }

  /** @param {string} path @param {any} [body] */
  put(path, body) {
    return this.request('PUT', path, body);
  }

  /** @param {string} path @param {any} [body] */
  patch(path, body) {
    return this.request('PATCH', path, body);
  }

  /** @param {string} path @param {any} [body] */
  delete(path, body) {
    return this.request('DELETE', path, body);
  }

  /**
   * All pages of a list.
   * @param {string} path
   * @returns {Promise<any[]>}
   */
  async all(path) {
    const items = [];
    for (let next = path; next; ) {
      const { body, response } = await this.#send('GET', next);
      items.push(...body);
      const link = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('Link') ?? '');
      const target = link && new URL(link[1], response.url);
      next = target ? target.pathname + target.search : '';
    }
    return items;
  }

  /**
   * @param {string} method
   * @param {string} path such as `/api/rooms`
   * @param {any} [body]
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  async request(method, path, body, signal) {
    return (await this.#send(method, path, body, signal)).body;
  }

  /**
   * @param {string} method @param {string} path @param {any} [body] @param {AbortSignal} [signal]
   * @param {(part: number) => void} [onProgress]
   */
  async #send(method, path, body, signal, onProgress) {
    const token = await this.#session.token();
    const options = { method, body, signal, onProgress };
    try {
      return await request(this.#url + path, { ...options, token });
    } catch (error) {
      // The sign-in calls of /api/auth answer 401 for wrong passwords and codes too; those are no fault of the token.
      const isRefused = error instanceof ApiError && error.status === 401;
      if (!isRefused || !token || !/^(token_|unauthorized)/.test(error.code)) throw error;
      const renewed = await this.#session.renew(token);
      if (!renewed) throw error;
      return request(this.#url + path, { ...options, token: renewed });
    }
  }
}
