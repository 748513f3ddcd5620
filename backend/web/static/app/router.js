// The address of what is shown, in the fragment: `#/c/room:7/123?panel=thread:55`.

import { signal } from './preact.js';

/** What the address names: `path`, its parts, and `query`. `['c', 'room:7', '123']` is message 123 of a conversation. */
export const route = signal(parse(location.hash));

addEventListener('hashchange', () => {
  route.value = parse(location.hash);
});

/** @param {string} hash */
function parse(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
  return { path: path.split('/').filter(Boolean).map(decode), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * The address of a place, for `href`.
 * @param {(string | number)[]} path
 * @param {Record<string, string | undefined>} [query]
 */
export function href(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const suffix = given.length ? `?${new URLSearchParams(Object.fromEntries(given))}` : '';
  return `#/${path.map((part) => encodeURIComponent(part).replace(/%3A/g, ':')).join('/')}${suffix}`;
}

/** Show a place. With `replace`, the one before is not returned to by Back. */
export function go(path, query, { replace = false } = {}) {
  const target = href(path, query);
  if (target === location.hash) return;
  if (replace) history.replaceState(null, '', target);
  else history.pushState(null, '', target);
  route.value = parse(target);
}

/** The address of a conversation, or of one of its messages. @param {string} id @param {{seq?: number, panel?: string}} [options] */
export function conversationHref(id, { seq, panel } = {}) {
  return href(seq ? ['c', id, seq] : ['c', id], { panel });
}

/** Show a conversation. @param {string} id @param {{seq?: number, panel?: string}} [options] */
export function goToConversation(id, { seq, panel } = {}) {
  go(seq ? ['c', id, seq] : ['c', id], { panel });
}

/** The panel beside the main pane: its name and argument, `thread` and `55`, or null. */
export function panelOf({ query }) {
  if (!query.panel) return null;
  const [name, ...rest] = query.panel.split(':');
  return { name, argument: rest.join(':') };
}

/** Show a panel beside what is shown: `details`, `pins`, `search`, `thread:55`, `person:3`. @param {string} panel */
export function openPanel(panel) {
  const { path, query } = route.value;
  go(path, { ...query, panel });
}

export function closePanel() {
  const { path, query } = route.value;
  go(path, { ...query, panel: undefined });
}
