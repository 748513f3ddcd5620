import { html, useEffect, useId } from '../preact.js';

/** The frame of the pages outside of the workspace: a card in the middle, under the name of the product. */
export function Card({ title, lead, children }) {
  const id = useId();
  useEffect(() => {
    document.title = `${title} · Confab`;
  }, [title]);
  return html`<main class="session" aria-labelledby=${id}>
    <a class="session-brand" href="#/"><img src="/static/logo.svg" alt="" width="40" height="40" />Confab</a>
    <section class="card">
      <h1 class="card-title" id=${id} tabindex="-1">${title}</h1>
      ${lead && html`<p class="card-lead">${lead}</p>`} ${children}
    </section>
  </main>`;
}
