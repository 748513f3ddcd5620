import { inbox } from '../chat.js';
import { titleOf } from '../people.js';
import { html } from '../preact.js';
import { go, href, route } from '../router.js';
import { t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { SearchForm, useSearch } from './form.js';
import { Results } from './results.js';

/** Search in everything that the user may see. What is sought stands in the address, so that Back returns to the results. */
export function SearchPage() {
  const { query } = route.value;
  const search = useSearch(query);
  return html`<header class="pane-header">
      <${IconButton} icon="back" class="pane-back" label=${t('action.back')} href=${href([])} />
      <div class="pane-heading"><h2 class="pane-title">${t('search.title')}</h2></div>
    </header>
    <div class="page">
      <div class="page-content">
        <${SearchForm}
          query=${query}
          conversations=${inbox.value.map((row) => ({ value: row.id, label: titleOf(row) }))}
          onChange=${(changed) => go(['search'], changed, { replace: true })}
        />
        <${Results} search=${search} hasConversation />
      </div>
    </div>`;
}
