import { api } from '../chat.js';
import { html } from '../preact.js';
import { formatDate, formatRelative, t } from '../text.js';
import { Button } from '../ui/button.js';
import { confirm } from '../ui/dialog.js';
import { Icon } from '../ui/icon.js';
import { Loaded, useLoad } from '../ui/load.js';
import { toast, toastError } from '../ui/toast.js';
import { deviceOf } from './device-name.js';
import { Section } from './section.js';

const SESSIONS = '/api/auth/sessions';

/** Where the account is signed in, and how to end that. */
export function Devices() {
  const sessions = useLoad(() => api.all(`${SESSIONS}?limit=100`));
  const end = async (session) => {
    try {
      await api.delete(`${SESSIONS}/${session.id}`);
      sessions.set(sessions.value.filter(({ id }) => id !== session.id));
      toast(t('devices.ended'), { kind: 'success' });
    } catch (error) {
      toastError(error);
    }
  };
  const endOthers = async () => {
    const question = { title: t('devices.end-others'), text: t('devices.end-others-text'), action: t('devices.end-others') };
    if (!(await confirm({ ...question, isDanger: true }))) return;
    try {
      await api.delete(SESSIONS);
      sessions.set(sessions.value.filter((each) => each.is_current));
      toast(t('devices.ended-others'), { kind: 'success' });
    } catch (error) {
      toastError(error);
    }
  };
  return html`<${Section} title=${t('devices.title')} text=${t('devices.text')}>
    <${Loaded} loaded=${sessions}>
      ${(rows) => html`<ul class="setting-list">
          ${sorted(rows).map((each) => html`<${Device} key=${each.id} session=${each} onEnd=${() => end(each)} />`)}
        </ul>
        ${rows.length > 1 && html`<${Button} class="setting-after" onClick=${endOthers}>${t('devices.end-others')}<//>`}`}
    <//>
  <//>`;
}

/** This device first, then the last used. */
function sorted(sessions) {
  const usedAt = (session) => session.last_seen_at ?? session.created_at;
  return [...sessions].sort((one, other) => other.is_current - one.is_current || (usedAt(one) < usedAt(other) ? 1 : -1));
}

function Device({ session, onEnd }) {
  const { browser, system, isMobile } = deviceOf(session.device_info ?? '');
  const name = browser ? (system ? t('devices.browser-on', { browser, system }) : browser) : t('devices.unknown');
  const facts = [
    session.ip_address,
    session.is_current ? null : session.last_seen_at && t('devices.used', { when: formatRelative(session.last_seen_at) }),
    t('devices.since', { date: formatDate(session.created_at) }),
  ];
  return html`<li class="setting-row">
    <span class="setting-icon"><${Icon} name=${isMobile ? 'phone' : 'monitor'} /></span>
    <div class="setting-row-text">
      <p class="setting-row-name"><span dir="auto">${name}</span> ${session.is_current && html`<span class="tag tag-accent">${t('devices.current')}</span>`}</p>
      <p class="setting-row-facts">${facts.filter(Boolean).map((fact) => html`<span>${fact}</span>`)}</p>
    </div>
    ${!session.is_current && html`<${Button} size="small" aria-label=${t('devices.end-one', { name })} onClick=${onEnd}>${t('devices.end')}<//>`}
  </li>`;
}
