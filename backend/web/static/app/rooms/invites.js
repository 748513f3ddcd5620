import { api } from '../chat.js';
import { html, useEffect, useState } from '../preact.js';
import { formatRelative, t } from '../text.js';
import { Button, IconButton } from '../ui/button.js';
import { copyText } from '../ui/copy.js';
import { confirm, Dialog, showDialog } from '../ui/dialog.js';
import { Field, Form } from '../ui/form.js';
import { useKeptFocus } from '../ui/kept-focus.js';
import { toast, toastError } from '../ui/toast.js';

const HOUR = 3600;
const DAY = 24 * HOUR;
const LIFETIMES = { hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY };
const MAX_USES = 100_000;

/** The invites of a room that are valid, for its admins. @param {{room: any}} props */
export function Invites({ room }) {
  const path = `/api/rooms/${room.id}/invites`;
  const [invites, setInvites] = useState([]);
  const load = () => api.all(`${path}?limit=100`).then(setInvites, toastError);
  useEffect(() => {
    void load();
  }, [path]);
  useKeptFocus(invites.length, '.panel');
  const create = async () => {
    if (await showDialog((close) => html`<${NewInvite} path=${path} room=${room} close=${close} />`)) await load();
  };
  const revoke = async ({ code }) => {
    const question = {
      title: t('invite.revoke.title'),
      text: t('invite.revoke.text'),
      action: t('invite.revoke'),
      isDanger: true,
    };
    if (!(await confirm(question))) return;
    await api.delete(`${path}/${encodeURIComponent(code)}`).catch(toastError);
    await load();
  };
  return html`<section class="details-section">
    <div class="details-heading">
      <h3>${t('invite.title')}</h3>
      <${Button} kind="quiet" size="small" icon="link" onClick=${create}>${t('invite.create')}<//>
    </div>
    ${!invites.length && html`<p class="field-hint">${t('invite.none')}</p>`}
    <ul class="members">
      ${invites.map(
        (invite) => html`<li class="member" key=${invite.url ?? invite.expires_at}>
          <span class="member-name">${lifetime(invite)}<span class="field-hint">${uses(invite)}</span></span>
          ${
            invite.code &&
            html`<${IconButton} icon="copy" size="small" label=${t('invite.copy')} onClick=${() => copyInvite(invite)} />
              <${IconButton} icon="trash" size="small" label=${t('invite.revoke')} onClick=${() => revoke(invite)} />`
          }
        </li>`,
      )}
    </ul>
  </section>`;
}

function lifetime({ expires_at }) {
  return expires_at ? t('invite.expires', { when: formatRelative(expires_at) }) : t('invite.forever');
}

function uses({ uses: count, max_uses }) {
  return max_uses ? t('invite.uses-of', { count, limit: max_uses }) : t('invite.uses', { count });
}

async function copyInvite({ url }) {
  try {
    await copyText(url);
    void toast(t('inbox.link-copied'), { kind: 'success' });
  } catch {
    void toast(t('error.copy'), { kind: 'error' });
  }
}

function NewInvite({ path, room, close }) {
  const [invite, setInvite] = useState(null);
  const submit = async ({ lifetime: name, max_uses }) => {
    const made = await api.post(path, { expires_in: LIFETIMES[name] ?? null, ...(max_uses && { max_uses: Number(max_uses) }) });
    setInvite(made);
  };
  const options = [...Object.keys(LIFETIMES), 'forever'].map((value) => ({
    value,
    label: t(`invite.lifetime.${value}`),
    isSelected: value === 'week',
  }));
  return html`<${Dialog} title=${t('invite.new', { name: room.name })} size="small" onClose=${() => close(Boolean(invite))}>
    ${
      invite
        ? html`<div class="form">
            <p>${t('invite.made')}</p>
            <input class="input" readonly aria-label=${t('invite.link')} value=${invite.url} onFocus=${({ target }) => target.select()} />
            <div class="form-actions">
              <${Button} kind="primary" icon="copy" autofocus onClick=${() => copyInvite(invite)}>${t('invite.copy')}<//>
              <${Button} onClick=${() => close(true)}>${t('action.done')}<//>
            </div>
          </div>`
        : html`<${Form}
            action=${t('invite.create')}
            onSubmit=${submit}
            secondary=${html`<${Button} onClick=${() => close()}>${t('action.cancel')}<//>`}
          >
            <${Field} name="lifetime" label=${t('invite.lifetime')} options=${options} autofocus />
            <${Field}
              name="max_uses"
              label=${t('invite.max-uses')}
              hint=${t('invite.max-uses.hint')}
              type="number"
              min="1"
              max=${MAX_USES}
              inputmode="numeric"
            />
          <//>`
    }
  <//>`;
}
