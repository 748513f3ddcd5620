import { html } from './preact.js';
import { t } from './text.js';

/** Shown until it is known who is signed in. It looks like the one in the HTML of the page. */
export function Skeleton() {
  return html`<div class="workspace skeleton" role="status" aria-label=${t('state.loading')}>
    <div class="sidebar"></div>
    <div class="main"></div>
  </div>`;
}
