import { chat, conversationSignals, me } from '../chat.js';
import { copyLink } from '../inbox/row-menu.js';
import { ConversationPicture } from '../inbox/row.js';
import { newDirectRow } from '../people/direct.js';
import { PersonFacts } from '../people/facts.js';
import { person, titleOf } from '../people.js';
import { html, useMemo } from '../preact.js';
import { formatDate, t } from '../text.js';
import { Button } from '../ui/button.js';
import { Panel } from '../ui/panel.js';
import { Empty } from '../ui/states.js';
import { toastError } from '../ui/toast.js';
import { BannedUsers } from './banned.js';
import { editRoom } from './create.js';
import { Invites } from './invites.js';
import { deleteRoom, leaveRoom } from './leave.js';
import { Members } from './members.js';
import { transferRoom } from './transfer.js';

/** What is to know about a conversation, and what can be done with it. @param {{id: string}} props */
export function DetailsPanel({ id }) {
  const signals = useMemo(() => (id ? conversationSignals(id) : null), [id]);
  const row = signals && (signals.info.value ?? newDirectRow(id));
  return html`<${Panel} title=${t('details.title')}>
    <div class="panel-body" key=${id}>
      ${row ? html`<${Details} row=${row} members=${signals.members} />` : html`<${Empty} icon="info" title=${t('details.none')} />`}
    </div>
  <//>`;
}

function Details({ row, members }) {
  const settings = row.last_seq > 0 && html`<${OwnSettings} row=${row} />`;
  if (row.kind === 'dm')
    return html`<${PersonFacts} user=${person(row.user.id).value ?? row.user} isConversation>${settings}<//>`;
  if (row.kind === 'lobby')
    return html`<div class="person">
        <${ConversationPicture} row=${row} size="large" />
        <h3 class="person-name">${titleOf(row)}</h3>
        <p class="person-bio">${t('lobby.description')}</p>
      </div>
      <${OwnSettings} row=${row} />`;
  return html`<${RoomDetails} row=${row} members=${members} />`;
}

function RoomDetails({ row, members }) {
  const { room } = row;
  const isOwner = room.owner_id === me.value?.id;
  const list = members.value;
  const isAdmin = isOwner || (list.find(({ user }) => user.id === me.value?.id)?.is_admin ?? room.is_admin);
  return html`<div class="person">
      <${ConversationPicture} row=${row} size="large" />
      <h3 class="person-name" dir="auto">${room.name}</h3>
      <p class="person-presence">${t(room.is_public ? 'room.public' : 'room.private')} · ${t('room.created', { date: formatDate(room.created_at) })}</p>
      ${room.description && html`<p class="person-bio" dir="auto">${room.description}</p>`}
      ${isAdmin && html`<div class="person-actions"><${Button} size="small" icon="edit" onClick=${() => editRoom(room)}>${t('room.settings')}<//></div>`}
    </div>
    <${OwnSettings} row=${row} />
    <${Members} room=${room} members=${list} isAdmin=${isAdmin} />
    ${isAdmin && html`<${Invites} room=${room} /><${BannedUsers} room=${room} members=${list} />`}
    <section class="details-section details-ways">
      <h3 class="visually-hidden">${t('details.leave')}</h3>
      ${isOwner && list.length > 1 && html`<${Button} icon="key" onClick=${() => transferRoom(room, list)}>${t('room.transfer')}<//>`}
      <${Button} icon="door" onClick=${() => leaveRoom(room)}>${t('room.leave')}<//>
      ${isOwner && html`<${Button} class="is-danger" icon="trash" onClick=${() => deleteRoom(room)}>${t('room.delete')}<//>`}
    </section>`;
}

/** What one sets for oneself: mute, pin; and the address. */
function OwnSettings({ row }) {
  const change = (settings) => chat.conversation(row.id).update(settings).catch(toastError);
  return html`<div class="details-settings">
    <${Button} size="small" icon=${row.is_muted ? 'bell' : 'bell-off'} onClick=${() => change({ is_muted: !row.is_muted })}>
      ${t(row.is_muted ? 'inbox.unmute' : 'inbox.mute')}
    <//>
    <${Button} size="small" icon="pin" onClick=${() => change({ is_pinned: !row.is_pinned })}>
      ${t(row.is_pinned ? 'inbox.unpin' : 'details.pin')}
    <//>
    <${Button} size="small" icon="link" onClick=${() => copyLink(row.id)}>${t('inbox.copy-link')}<//>
  </div>`;
}
