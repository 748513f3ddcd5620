import { html, useLayoutEffect, useRef } from '../preact.js';

/** The frame of the pages outside of the workspace: a card in the middle, under the name of the product. */
export function Card({ title, lead, note, children }) {
  const element = useRef(null);
  // Before it can be seen: later it would take the focus from a field that is being filled, perhaps with a password.
  useLayoutEffect(() => {
    document.title = `${title} · Confab`;
    const { current } = element;
    (current.querySelector('[autofocus]') ?? current.querySelector('h1')).focus();
  }, [title]);
  return html`<main class="session" ref=${element}>
    <a class="session-brand" href="#/"><img src="/static/logo.svg" alt="" width="40" height="40" />Confab</a>
    <section class="card">
      ${note && html`<p class="session-note" role="status">${note}</p>`}
      <h1 class="card-title" tabindex="-1">${title}</h1>
      ${lead && html`<p class="card-lead">${lead}</p>`} ${children}
    </section>
  </main>`;
}
