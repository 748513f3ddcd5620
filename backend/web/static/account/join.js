// #/join/CODE: sign in or create an account, and join the room of an invite.

import { call } from './api.js';

/** Choose the way in. What the browser suggests as password, and the code of the second factor, depend on it. */
export function prepare(form) {
  form.addEventListener('change', () => {
    const isNew = form.elements.way.value === 'register';
    form.elements.password.autocomplete = isNew ? 'new-password' : 'current-password';
    if (isNew) askForCode(form, false);
  });
}

/** Return the name of the room that the user joined, or null if the form now asks for the code of the second factor. */
export async function join(code, { way, ...fields }, form) {
  if (way === 'register') {
    const { access_token: token } = await call('POST', '/api/auth/register', { body: { ...fields, invite_code: code } });
    const [room] = await call('GET', '/api/rooms?mine=true', { token }).catch(() => []);
    await signOut(token);
    return room?.name ?? 'the room';
  }
  const token = await signIn(fields, form);
  if (token === null) return null;
  try {
    return (await call('POST', '/api/rooms/join', { body: { code }, token })).name;
  } finally {
    await signOut(token);
  }
}

async function signIn(fields, form) {
  try {
    return (await call('POST', '/api/auth/login', { body: fields })).access_token;
  } catch (failure) {
    if (failure.code !== 'totp_required') throw failure;
    askForCode(form, true);
    return null;
  }
}

function askForCode(form, isAsked) {
  const input = form.elements.totp_code;
  input.disabled = !isAsked;
  input.closest('.field').hidden = !isAsked;
  if (isAsked) input.focus();
}

/** End the session, because this page does not keep it. If that fails, the session expires unused. */
async function signOut(token) {
  await call('POST', '/api/auth/logout', { token }).catch(() => null);
}
