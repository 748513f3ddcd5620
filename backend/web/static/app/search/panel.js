import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Panel } from '../ui/panel.js';
import { SearchForm, useSearch } from './form.js';
import { Results } from './results.js';

/** Search in one conversation. @param {{id: string}} props */
export function SearchPanel({ id }) {
  const [query, setQuery] = useState({});
  const search = useSearch({ ...query, in: id });
  return html`<${Panel} title=${t('search.in-conversation')}>
    <div class="panel-body">
      <${SearchForm} query=${query} onChange=${setQuery} />
      <${Results} search=${search} panel="search" />
    </div>
  <//>`;
}
