import { api } from '../chat.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { confirm, Dialog, showDialog } from '../ui/dialog.js';
import { Field, Form } from '../ui/form.js';
import { Icon } from '../ui/icon.js';
import { useKeptFocus } from '../ui/kept-focus.js';
import { Empty } from '../ui/states.js';
import { toastError } from '../ui/toast.js';
import { usePages } from '../ui/pages.js';
import { Pages } from './pages.js';

/** The roles that an administrator may give to users. Applications decide what they mean. */
export function Roles() {
  const pages = usePages('/api/roles');
  useKeptFocus(pages.items.length, '.settings-part');
  const edit = async (role) => {
    const changed = await showDialog((close) => html`<${RoleDialog} role=${role} onClose=${close} />`);
    if (changed) void pages.reload();
  };
  const remove = async (role) => {
    const question = {
      title: t('admin.roles.delete', { name: role.name }),
      text: t('admin.roles.delete.text'),
      action: t('action.delete'),
    };
    if (!(await confirm({ ...question, isDanger: true }))) return;
    try {
      await api.delete(`/api/roles/${role.id}`);
      pages.replace(role.id, null);
    } catch (error) {
      toastError(error);
    }
  };
  return html`<p class="setting-text">${t('admin.roles.text')}</p>
    <div class="admin-actions"><${Button} kind="primary" icon="plus" onClick=${() => edit(null)}>${t('admin.roles.new')}<//></div>
    <${Pages} pages=${pages} empty=${html`<${Empty} isSmall icon="star" title=${t('admin.roles.none')} text=${t('admin.roles.none.text')} />`}>
      ${(rows) => html`<ul class="setting-list">
        ${rows.map(
          (role) => html`<li class="setting-row" key=${role.id}>
            <span class="setting-icon"><${Icon} name="star" /></span>
            <div class="setting-row-text">
              <p class="setting-row-name" dir="auto">${role.name}</p>
              <p class="setting-row-facts" dir="auto">${role.description}</p>
            </div>
            <${Button} size="small" aria-label=${t('admin.roles.edit', { name: role.name })} onClick=${() => edit(role)}>${t('action.edit')}<//>
            <${Button} size="small" aria-label=${t('admin.roles.delete', { name: role.name })} onClick=${() => remove(role)}>${t('action.delete')}<//>
          </li>`,
        )}
      </ul>`}
    <//>`;
}

function RoleDialog({ role, onClose }) {
  const save = async ({ name, description }) => {
    const body = { name: name.trim(), description: description.trim() || null };
    onClose(role ? await api.patch(`/api/roles/${role.id}`, body) : await api.post('/api/roles', body));
  };
  return html`<${Dialog} title=${role ? t('admin.roles.edit', { name: role.name }) : t('admin.roles.new')} size="small" onClose=${() => onClose()}>
    <${Form} action=${t('action.save')} onSubmit=${save} secondary=${html`<${Button} onClick=${() => onClose()}>${t('action.cancel')}<//>`}>
      <${Field} name="name" label=${t('admin.roles.name')} defaultValue=${role?.name ?? ''} required maxlength="100" autofocus />
      <${Field} name="description" label=${t('admin.roles.description')} defaultValue=${role?.description ?? ''} maxlength="255" />
    <//>
  <//>`;
}
