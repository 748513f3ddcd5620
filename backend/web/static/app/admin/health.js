import { api } from '../chat.js';
import { html } from '../preact.js';
import { formatDuration, formatMoment, formatNumber, t } from '../text.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { Loaded, useLoad } from '../ui/load.js';
import { Section } from '../settings/section.js';

/** How the parts of the server are, and whether the database is as the models say. */
export function Health() {
  const health = useLoad(() => api.get('/api/health/detailed'));
  return html`<${Loaded} loaded=${health}>
    ${(
      found,
    ) => html`<${Section} title=${t(`admin.health.${found.status}`)} text=${t('admin.health.at', { when: formatMoment(found.timestamp) })}>
        <dl class="admin-facts">
          <div><dt>${t('admin.health.version')}</dt><dd>${found.version}</dd></div>
          <div><dt>${t('admin.health.uptime')}</dt><dd>${formatDuration(found.uptime)}</dd></div>
        </dl>
        <${Button} icon="refresh" class="setting-after" onClick=${health.reload}>${t('admin.health.again')}<//>
      <//>
      <${Section} title=${t('admin.health.parts')}>
        <ul class="setting-list">
          ${Object.entries(found.parts).map(([name, part]) => html`<${Part} key=${name} name=${name} part=${part} />`)}
        </ul>
      <//>
      <${Section} title=${t('admin.health.schema')} text=${t(found.schema.drift.length ? 'admin.health.drift' : 'admin.health.no-drift')}>
        <dl class="admin-facts">
          <div><dt>${t('admin.health.current')}</dt><dd><code>${found.schema.current}</code></dd></div>
          <div><dt>${t('admin.health.head')}</dt><dd><code>${found.schema.head}</code></dd></div>
        </dl>
        ${found.schema.drift.length > 0 && html`<ul class="admin-drift">${found.schema.drift.map((each) => html`<li key=${each}><code>${each}</code></li>`)}</ul>`}
      <//>`}
  <//>`;
}

function Part({ name, part: { status, latency_ms: latency, reason } }) {
  const isGood = status === 'healthy';
  return html`<li class="setting-row">
    <span class=${`setting-icon ${isGood ? 'is-good' : 'is-bad'}`}><${Icon} name=${isGood ? 'check' : 'alert'} /></span>
    <div class="setting-row-text">
      <p class="setting-row-name">${name}</p>
      <p class="setting-row-facts">
        <span>${t(`admin.health.part.${status}`)}</span>
        ${latency !== undefined && html`<span>${t('admin.health.latency', { latency: formatNumber(latency) })}</span>`}
        ${reason && html`<span>${reason}</span>`}
      </p>
    </div>
  </li>`;
}
