/**
 * Notice in a browser that the device woke up, and that the page is frozen, hidden or shown again. Elsewhere nothing tells of it.
 * @param {{wake: () => void, hide: () => void, rest: () => void, back: () => void}} events  `rest`: the page is frozen or left;
 *   `back`: it returns from there
 * @returns {() => void} ends it
 */
export function watchPage({ wake, hide, rest, back }) {
  if (!globalThis.document) return () => {};
  const ending = new AbortController();
  /** @param {EventTarget} target @param {string} name @param {(event: any) => void} listener */
  const on = (target, name, listener) => target.addEventListener(name, listener, { signal: ending.signal });
  on(globalThis, 'online', wake);
  on(document, 'visibilitychange', () => (document.visibilityState === 'visible' ? wake() : hide()));
  on(globalThis, 'pagehide', rest);
  on(document, 'freeze', rest);
  on(document, 'resume', back);
  on(globalThis, 'pageshow', ({ persisted }) => persisted && back());
  return () => ending.abort();
}
