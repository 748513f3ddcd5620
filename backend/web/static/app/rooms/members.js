import { api, me, online } from '../chat.js';
import { nameOf, remember } from '../people.js';
import { html, useEffect, useMemo, useState } from '../preact.js';
import { openPanel } from '../router.js';
import { hasDirectory } from '../session/server.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button, IconButton } from '../ui/button.js';
import { confirm } from '../ui/dialog.js';
import { useKeptFocus } from '../ui/kept-focus.js';
import { Menu } from '../ui/menu.js';
import { SearchField } from '../ui/search-field.js';
import { Loading } from '../ui/states.js';
import { toast, toastError } from '../ui/toast.js';
import { addPeople } from './add-people.js';

const MANY = 10;
const SHOWN = 50;

/** The members of a room, those who are online first. @param {{room: any, members: any[], isAdmin: boolean}} props */
export function Members({ room, members, isAdmin }) {
  const [query, setQuery] = useState('');
  const [limit, setLimit] = useState(SHOWN);
  const ids = online.value;
  const sorted = useMemo(() => sort(members, room, ids), [members, room.owner_id, ids]);
  useKeptFocus(members.length, '.panel');
  useEffect(() => remember(members.flatMap(({ user }) => user ?? [])), [members]);
  const words = query.toLocaleLowerCase();
  const matching = sorted.filter(({ user }) => `${nameOf(user)} ${user.username}`.toLocaleLowerCase().includes(words));
  return html`<section class="details-section">
    <div class="details-heading">
      <h3>${t('room.members', { count: members.length || room.member_count })}</h3>
      ${isAdmin && hasDirectory() && html`<${Button} kind="quiet" size="small" icon="plus" onClick=${() => addPeople(room, members)}>${t('room.add-people')}<//>`}
    </div>
    ${members.length > MANY && html`<${SearchField} label=${t('room.find-member')} onSearch=${setQuery} />`}
    <ul class="members">
      ${matching.slice(0, limit).map((member) => html`<${Member} key=${member.user.id} room=${room} member=${member} isAdmin=${isAdmin} />`)}
    </ul>
    ${!members.length && html`<${Loading} />`}
    ${query && !matching.length && html`<p class="picker-none">${t('people.none-found.text')}</p>`}
    ${matching.length > limit && html`<${Button} size="small" class="list-more" onClick=${() => setLimit(limit + SHOWN)}>${t('action.show-more')}<//>`}
  </section>`;
}

function sort(members, room, ids) {
  const rank = ({ user, is_admin }) => (user.id === room.owner_id ? 0 : is_admin ? 1 : ids.has(user.id) ? 2 : 3);
  return members.filter(({ user }) => user).sort((a, b) => rank(a) - rank(b) || nameOf(a.user).localeCompare(nameOf(b.user)));
}

function Member({ room, member, isAdmin }) {
  const { user } = member;
  const isOwner = user.id === room.owner_id;
  const name = nameOf(user);
  return html`<li class="member">
    <button type="button" class="member-button" onClick=${() => openPanel(`person:${user.id}`)}>
      <${Avatar} user=${user} size="small" hasPresence />
      <span class="member-name" dir="auto">${user.id === me.value?.id ? t('person.you', { name }) : name}</span>
      ${(isOwner || member.is_admin) && html`<span class="tag">${t(isOwner ? 'room.owner' : 'room.admin')}</span>`}
    </button>
    ${
      isAdmin &&
      !isOwner &&
      user.id !== me.value?.id &&
      html`<${Menu}
        label=${t('room.member.menu', { name })}
        button=${(props) => html`<${IconButton} icon="more" size="small" label=${t('room.member.menu', { name })} ...${props} />`}
        items=${actions(room, member)}
      />`
    }
  </li>`;
}

/** What an admin can do with a member, for a menu. */
function actions(room, { user, is_admin }) {
  const path = `/api/rooms/${room.id}/members/${user.id}`;
  const values = { name: nameOf(user), room: room.name };
  const run = async (key, action, isAsked = false) => {
    const question = () => ({
      title: t(`room.member.${key}.title`, values),
      text: t(`room.member.${key}.text`, values),
      action: t(`room.member.${key}`),
      isDanger: true,
    });
    if (isAsked && !(await confirm(question()))) return;
    try {
      await action();
      void toast(t(`room.member.${key}.done`, values), { kind: 'success' });
    } catch (error) {
      toastError(error);
    }
  };
  return [
    is_admin
      ? {
          label: t('room.member.no-admin'),
          icon: 'shield',
          onSelect: () => run('no-admin', () => api.patch(path, { is_admin: false })),
        }
      : {
          label: t('room.member.admin'),
          icon: 'shield',
          onSelect: () => run('admin', () => api.patch(path, { is_admin: true })),
        },
    'line',
    { label: t('room.member.remove'), icon: 'door', isDanger: true, onSelect: () => run('remove', () => api.delete(path), true) },
    {
      label: t('room.member.ban'),
      icon: 'close',
      isDanger: true,
      onSelect: () => run('ban', () => api.patch(path, { is_admin: false, is_banned: true }), true),
    },
  ];
}
