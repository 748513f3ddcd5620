import { api, online } from '../chat.js';
import { nameOf } from '../people.js';
import { html, signal } from '../preact.js';
import { t } from '../text.js';

/** The pictures as object URLs, by address: an <img> cannot send the token that the server asks for. */
const pictures = new Map();

function picture(url) {
  let found = pictures.get(url);
  if (!found) {
    found = signal('');
    pictures.set(url, found);
    api.get(url).then(
      (blob) => {
        found.value = URL.createObjectURL(blob);
      },
      () => pictures.delete(url),
    );
  }
  return found;
}

/** The path of an address of this server, which may be given with its host. */
function pathOf(url) {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}

/** The first letters of the first two words of a name, as whole characters. @param {string} name */
function initials(name) {
  const letters = name.split(/[\s._-]+/u).flatMap((word) => [...word].find((each) => /[\p{L}\p{N}]/u.test(each)) ?? []);
  return letters.slice(0, 2).join('').toLocaleUpperCase();
}

/**
 * The picture of a user, or the initials. It is decoration: the name stands beside it.
 * @param {{user: any, size?: 'small' | 'large' | 'huge', hasPresence?: boolean}} props
 */
export function Avatar({ user, size = '', hasPresence = false }) {
  const url = user?.avatar_url;
  const source = url ? picture(pathOf(url)).value : '';
  const hue = ((user?.id ?? 0) * 47) % 360;
  const isOnline = hasPresence && online.value.has(user?.id);
  return html`<span class=${`avatar ${size && `avatar-${size}`}`}>
    ${
      source
        ? html`<img class="avatar-picture" src=${source} alt="" />`
        : html`<span class="avatar-initials" aria-hidden="true" style=${{ '--hue': hue }}>${initials(nameOf(user)) || '·'}</span>`
    }
    ${isOnline && html`<span class="presence" role="img" aria-label=${t('person.online')}></span>`}
  </span>`;
}
