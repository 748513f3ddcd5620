// Calls of the server's API.

/** A call that failed. The message is a sentence for the user; `errors` has the messages of each field at fault. */
export class Failure extends Error {
  constructor({ detail, code = '', errors = {} }) {
    super(detail);
    this.code = code;
    this.errors = errors;
  }
}

/** Call the API, with *body* as JSON and a bearer *token*. Returns the decoded answer, or null if it is empty. Throws Failure. */
export async function call(method, path, { body, token } = {}) {
  const headers = {};
  if (body) headers['Content-Type'] = 'application/json';
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Failure({ detail: 'The server cannot be reached. Check your connection, and try again.' });
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  if (!answer?.detail) throw new Failure({ detail: `The server answered ${response.status}. Try again later.` });
  const wait = response.headers.get('Retry-After');
  throw new Failure(wait ? { ...answer, detail: `${answer.detail} (Retry-After: ${wait})` } : answer);
}
