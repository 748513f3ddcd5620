import { api, me } from '../chat.js';
import { nameOf, remember } from '../people.js';
import { html, useEffect, useState } from '../preact.js';
import { formatDate, formatRelative, t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { Checkbox, Field, Form } from '../ui/form.js';
import { usePages } from '../ui/pages.js';
import { SearchField } from '../ui/search-field.js';
import { Empty } from '../ui/states.js';
import { toast } from '../ui/toast.js';
import { Pages } from './pages.js';

/** All accounts, and what an administrator may change in them. */
export function Users() {
  const [query, setQuery] = useState('');
  const pages = usePages('/api/users', { q: query });
  const edit = async (user) => {
    const changed = await showDialog((close) => html`<${UserDialog} user=${user} onClose=${close} />`);
    if (!changed) return;
    pages.replace(changed.id, changed);
    remember([changed]);
    void toast(t('admin.users.changed', { name: nameOf(changed) }), { kind: 'success' });
  };
  return html`<${SearchField} label=${t('admin.users.search')} onSearch=${setQuery} />
    <${Pages} pages=${pages} empty=${html`<${Empty} isSmall icon="people" title=${t('admin.users.none')} text=${t('admin.users.none.text')} />`}>
      ${(rows) => html`<ul class="setting-list">
        ${rows.map((user) => html`<${User} key=${user.id} user=${user} onEdit=${() => edit(user)} />`)}
      </ul>`}
    <//>`;
}

function User({ user, onEdit }) {
  const name = nameOf(user);
  return html`<li class="setting-row">
    <${Avatar} user=${user} hasPresence />
    <div class="setting-row-text">
      <p class="setting-row-name">
        <span dir="auto">${name}</span>
        ${user.is_superuser && html`<span class="tag tag-accent">${t('admin.users.superuser')}</span>`}
        ${!user.is_active && html`<span class="tag tag-bad">${t('admin.users.inactive')}</span>`}
        ${user.roles.map((role) => html`<span class="tag" key=${role}>${role}</span>`)}
      </p>
      <p class="setting-row-facts">
        <span>@${user.username}</span>
        ${user.email && html`<span>${user.email}</span>`}
        <span>${user.last_seen_at ? t('person.last-seen', { when: formatRelative(user.last_seen_at) }) : t('admin.users.since', { date: formatDate(user.created_at) })}</span>
      </p>
    </div>
    <${Button} size="small" aria-label=${t('admin.users.edit', { name })} onClick=${onEdit}>${t('action.edit')}<//>
  </li>`;
}

function UserDialog({ user, onClose }) {
  const [roles, setRoles] = useState([]);
  const isSelf = user.id === me.value?.id;
  useEffect(() => {
    api.all('/api/roles?limit=100').then(setRoles, () => {});
  }, []);
  const save = async ({ full_name, is_active, is_superuser, ...granted }) => {
    const names = roles.filter(({ id }) => granted[`role-${id}`]).map(({ name }) => name);
    const changes = {
      full_name: full_name.trim() || null,
      ...(roles.length ? { roles: names } : {}),
      ...(isSelf ? {} : { is_active, is_superuser }),
    };
    onClose(await api.patch(`/api/users/${user.id}`, changes));
  };
  return html`<${Dialog} title=${t('admin.users.edit', { name: nameOf(user) })} onClose=${() => onClose()}>
    <${Form}
      action=${t('action.save')}
      onSubmit=${save}
      secondary=${html`<${Button} onClick=${() => onClose()}>${t('action.cancel')}<//>`}
    >
      <${Field} name="full_name" label=${t('admin.users.name')} defaultValue=${user.full_name ?? ''} maxlength="255" />
      ${
        !isSelf &&
        html`<${Checkbox} name="is_active" label=${t('admin.users.active')} hint=${t('admin.users.active.hint')} defaultChecked=${user.is_active} />
          <${Checkbox} name="is_superuser" label=${t('admin.users.superuser')} hint=${t('admin.users.superuser.hint')} defaultChecked=${user.is_superuser} />`
      }
      ${
        roles.length > 0 &&
        html`<fieldset class="admin-roles">
          <legend class="field-label">${t('admin.roles')}</legend>
          ${roles.map(
            ({ id, name, description }) =>
              html`<${Checkbox} key=${id} name=${`role-${id}`} label=${name} hint=${description} defaultChecked=${user.roles.includes(name)} />`,
          )}
        </fieldset>`
      }
    <//>
  <//>`;
}
