import { nameOf, person } from '../people.js';
import { html, useState } from '../preact.js';
import { formatMoment, formatShort, t } from '../text.js';
import { Button } from '../ui/button.js';
import { Empty } from '../ui/states.js';
import { usePages } from '../ui/pages.js';
import { Pages } from './pages.js';

/** What was done with power, newest first: who, what, to what, from where. */
export function Audit() {
  const [filters, setFilters] = useState({});
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value));
  const pages = usePages('/api/audit', filters);
  const filterBy = (name, value) => setFilters({ ...filters, [name]: value });
  return html`<p class="setting-text">${t('admin.audit.text')}</p>
    ${
      query.size > 0 &&
      html`<div class="admin-actions">
        ${[...query].map(([name, value]) => html`<span class="tag" key=${name}>${t(`admin.audit.${name}`)}: <bdi>${name === 'actor_id' ? nameOf(person(Number(value)).value) : value}</bdi></span>`)}
        <${Button} size="small" onClick=${() => setFilters({})}>${t('admin.audit.all')}<//>
      </div>`
    }
    <${Pages} pages=${pages} empty=${html`<${Empty} isSmall icon="clock" title=${t('admin.audit.none')} text=${t('admin.audit.none.text')} />`}>
      ${(rows) => html`<div class="admin-table" tabindex="0" role="region" aria-label=${t('admin.audit')}>
        <table>
          <thead>
            <tr>
              <th scope="col">${t('admin.audit.when')}</th>
              <th scope="col">${t('admin.audit.actor_id')}</th>
              <th scope="col">${t('admin.audit.action')}</th>
              <th scope="col">${t('admin.audit.target')}</th>
              <th scope="col">${t('admin.audit.data')}</th>
              <th scope="col">${t('admin.audit.address')}</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map((entry) => html`<${Entry} key=${entry.id} entry=${entry} filterBy=${filterBy} />`)}
          </tbody>
        </table>
      </div>`}
    <//>`;
}

function Entry({ entry, filterBy }) {
  const { actor_id: actor, action, target, data } = entry;
  const value = (name, text, label) =>
    html`<button type="button" class="admin-filter" title=${t('admin.audit.only')} onClick=${() => filterBy(name, text)}>${label}</button>`;
  return html`<tr>
    <td><time datetime=${entry.created_at} title=${formatMoment(entry.created_at)}>${formatShort(entry.created_at)}</time></td>
    <td dir="auto">${actor ? value('actor_id', String(actor), nameOf(person(actor).value)) : t('admin.audit.nobody')}</td>
    <td>${value('action', action, html`<code>${action}</code>`)}</td>
    <td>${target && value('target', target, html`<code>${target}</code>`)}</td>
    <td class="admin-data">${Object.entries(data ?? {}).map(([key, each]) => html`<span key=${key}>${key}: <bdi>${shown(each)}</bdi></span>`)}</td>
    <td><code>${entry.ip_address}</code></td>
  </tr>`;
}

function shown(value) {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}
