import { html } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Failure, Loading } from '../ui/states.js';

/** The rows, or what is said instead of them. @param {{pages: any, empty: any, children: (rows: any[]) => any}} props */
export function Pages({ pages, empty, children }) {
  const { items, error, isLoading, hasMore, more, reload } = pages;
  if (error) return html`<${Failure} error=${error} retry=${reload} />`;
  if (!items.length) return isLoading ? html`<${Loading} />` : empty;
  return html`${children(items)} ${hasMore && html`<div class="empty-actions"><${Button} isBusy=${isLoading} onClick=${more}>${t('admin.more')}<//></div>`}`;
}
