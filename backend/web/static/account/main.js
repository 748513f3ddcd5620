// The pages behind the links of mails and invites: #/verify?token=…, #/reset?token=… and #/join/CODE.

import { call } from './api.js';
import { connect, setHeading } from './form.js';
import { join, prepare } from './join.js';

const home = document.querySelector('main');
const homeTitle = document.title;

/** For each page: what its form does with the secret of the link, and the code of the error that says the secret is dead. */
const pages = {
  verify: {
    dead: 'invalid_token',
    async send(token, { password }) {
      await call('POST', '/api/auth/verify-email', { body: { token, password } });
      return { heading: 'Your address is confirmed', text: 'You can close this page.' };
    },
  },
  reset: {
    dead: 'invalid_token',
    async send(token, { password }) {
      await call('POST', '/api/auth/reset-password', { body: { token, password } });
      return { heading: 'Your new password is set', text: 'Sign in with it in your app. You can close this page.' };
    },
  },
  join: {
    dead: 'not_found',
    prepare,
    async send(code, fields, form) {
      const room = await join(code, fields, form);
      return room && { heading: `You are a member of ${room}`, text: 'Sign in to your app to read and write there.' };
    },
  },
};

/** The page that the address names, and its secret; or null for the front page. */
function requested() {
  const found = /^#\/(verify|reset|join)(?:\/([^?]*))?(?:\?(.*))?$/.exec(location.hash);
  if (!found) return null;
  const query = new URLSearchParams(found[3]);
  return { name: found[1], secret: found[2] || query.get('token') || query.get('code') || '' };
}

function show() {
  document.querySelector('main.account')?.remove();
  const link = requested();
  home.hidden = link !== null;
  document.title = homeTitle;
  if (link === null) return;
  const page = pages[link.name];
  const frame = clone('account-frame').querySelector('main');
  const panel = frame.querySelector('.panel');
  panel.prepend(clone(`account-${link.name}`));
  panel.querySelector('.lead').after(panel.querySelector('.error'));
  home.after(frame);
  const form = panel.querySelector('form');
  page.prepare?.(form);
  connect(panel, async (fields) => {
    try {
      const result = await page.send(link.secret, fields, form);
      if (result) forgetSecret();
      return result;
    } catch (failure) {
      if (failure.code === page.dead) forgetSecret();
      throw failure;
    }
  });
  setHeading(panel, panel.querySelector('h1').textContent);
}

function clone(id) {
  return document.getElementById(id).content.cloneNode(true);
}

/** Remove a secret that is used up from the address bar and from the history of this tab. */
function forgetSecret() {
  history.replaceState(null, '', location.pathname);
}

addEventListener('hashchange', show);
show();
