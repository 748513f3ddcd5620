import { api } from '../chat.js';
import { nameOf, person } from '../people.js';
import { html, useState } from '../preact.js';
import { conversationHref } from '../router.js';
import { formatMoment, formatRelative, t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { Field, Form } from '../ui/form.js';
import { useKeptFocus } from '../ui/kept-focus.js';
import { Empty } from '../ui/states.js';
import { toast } from '../ui/toast.js';
import { countOpenReports } from './open-reports.js';
import { usePages } from '../ui/pages.js';
import { Pages } from './pages.js';

const STATUSES = ['open', 'resolved', 'dismissed'];

/** Messages that users reported: what was said, who objects and why, and how it was settled. */
export function Reports() {
  const [status, setStatus] = useState('open');
  const pages = usePages('/api/reports', { status });
  useKeptFocus(pages.items.length, '.settings-part');
  const settle = async (report, outcome) => {
    const settled = await showDialog((close) => html`<${SettleDialog} report=${report} outcome=${outcome} onClose=${close} />`);
    if (!settled) return;
    pages.replace(report.id, null);
    void countOpenReports();
    void toast(t(`admin.reports.done.${outcome}`), { kind: 'success' });
  };
  return html`<div class="admin-tabs" role="group" aria-label=${t('admin.reports.status')}>
      ${STATUSES.map(
        (
          each,
        ) => html`<button type="button" class="admin-tab" key=${each} aria-pressed=${each === status} onClick=${() => setStatus(each)}>
          ${t(`admin.reports.${each}`)}
        </button>`,
      )}
    </div>
    <${Pages} pages=${pages} empty=${html`<${Empty} isSmall icon="flag" title=${t(`admin.reports.none.${status}`)} text=${t('admin.reports.none.text')} />`}>
      ${(rows) => html`<ul class="admin-reports">
        ${rows.map((report) => html`<${Report} key=${report.id} report=${report} onSettle=${(outcome) => settle(report, outcome)} />`)}
      </ul>`}
    <//>`;
}

function Report({ report, onSettle }) {
  const { message, reporter_id: reporterId, settled_by_id: settledBy } = report;
  const sender = message && person(message.sender_id).value;
  const name = (id) => (id ? nameOf(person(id).value) : t('person.deleted'));
  return html`<li class="admin-report">
    <p class="setting-row-facts">
      <span>${t('admin.reports.by', { name: name(reporterId) })}</span>
      <time datetime=${report.created_at} title=${formatMoment(report.created_at)}>${formatRelative(report.created_at)}</time>
    </p>
    <p class="admin-reason" dir="auto">${report.reason}</p>
    ${
      message
        ? html`<blockquote class="admin-quote">
            <${Avatar} user=${sender} size="small" />
            <div>
              <p class="setting-row-name">
                <span dir="auto">${nameOf(sender)}</span>
                <a href=${conversationHref(message.conversation_id, { seq: message.seq })}>${t('admin.reports.open-message')}</a>
              </p>
              <p class="admin-said" dir="auto">${message.deleted_at ? t('message.deleted') : message.content || t('message.files', { count: message.attachments.length })}</p>
            </div>
          </blockquote>`
        : html`<p class="setting-note">${t('admin.reports.gone')}</p>`
    }
    ${
      report.status === 'open'
        ? html`<div class="admin-actions">
            <${Button} size="small" kind="primary" onClick=${() => onSettle('resolved')}>${t('admin.reports.resolve')}<//>
            <${Button} size="small" onClick=${() => onSettle('dismissed')}>${t('admin.reports.dismiss')}<//>
          </div>`
        : html`<p class="setting-note">
            ${t('admin.reports.settled', { name: name(settledBy), when: formatRelative(report.settled_at) })}
            ${report.note && html`<q dir="auto">${report.note}</q>`}
          </p>`
    }
  </li>`;
}

function SettleDialog({ report, outcome, onClose }) {
  const save = async ({ note }) =>
    onClose(await api.patch(`/api/reports/${report.id}`, { status: outcome, note: note.trim() || null }));
  return html`<${Dialog} title=${t(`admin.reports.settle.${outcome}`)} size="small" onClose=${() => onClose()}>
    <${Form}
      action=${t(`admin.reports.${outcome === 'resolved' ? 'resolve' : 'dismiss'}`)}
      onSubmit=${save}
      secondary=${html`<${Button} onClick=${() => onClose()}>${t('action.cancel')}<//>`}
    >
      <${Field} name="note" label=${t('admin.reports.note')} hint=${t('admin.reports.note.hint')} rows="3" maxlength="1000" />
    <//>
  <//>`;
}
