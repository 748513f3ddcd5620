import { inbox } from '../chat.js';
import { createRoom, joinByCode } from '../inbox/new-menu.js';
import { html, useState } from '../preact.js';
import { conversationHref, href } from '../router.js';
import { mayCreateRooms } from '../session/server.js';
import { formatDate, t } from '../text.js';
import { Button, IconButton } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { usePages } from '../ui/pages.js';
import { SearchField } from '../ui/search-field.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { toastError } from '../ui/toast.js';
import { joinRoom } from './enter.js';

/** The public rooms and one's own: to join and to open. */
export function RoomsPage() {
  const [query, setQuery] = useState('');
  const { items, error, isLoading, hasMore, more, retry } = usePages('/api/rooms', { q: query });
  return html`<div class="page">
    <header class="pane-header">
      <${IconButton} icon="back" class="pane-back" label=${t('action.back')} href=${href([])} />
      <div class="pane-heading"><h2 class="pane-title">${t('rooms.browse')}</h2></div>
      ${mayCreateRooms() && html`<${Button} size="small" kind="primary" icon="plus" onClick=${createRoom}>${t('rooms.create')}<//>`}
    </header>
    <div class="page-content">
      <div class="list-tools">
        <${SearchField} label=${t('rooms.find')} onSearch=${setQuery} />
        <${Button} icon="link" onClick=${joinByCode}>${t('rooms.join')}<//>
      </div>
      ${error && html`<${Failure} error=${error} retry=${retry} />`}
      ${items.length > 0 && html`<ul class="list" aria-label=${t('rooms.browse')}>${items.map((room) => html`<${Room} key=${room.id} room=${room} />`)}</ul>`}
      ${isLoading && html`<${Loading} />`}
      ${
        !items.length &&
        !isLoading &&
        !error &&
        html`<${Empty}
          isSmall
          icon="compass"
          title=${t(query ? 'rooms.none-found.title' : 'rooms.none.title')}
          text=${mayCreateRooms() ? t(query ? 'rooms.none-found.text' : 'rooms.none.text') : t('rooms.none.text-ask')}
        >
          ${mayCreateRooms() && html`<${Button} onClick=${createRoom}>${t('rooms.create')}<//>`}
        <//>`
      }
      ${hasMore && !isLoading && html`<${Button} class="list-more" onClick=${more}>${t('action.show-more')}<//>`}
    </div>
  </div>`;
}

function Room({ room }) {
  const isMember = inbox.value.some(({ id }) => id === room.conversation_id);
  return html`<li class="list-row">
    <span class="avatar avatar-sign"><${Icon} name=${room.is_public ? 'hash' : 'lock'} /></span>
    <div class="list-text">
      <h3 class="list-title" dir="auto">${room.name}</h3>
      ${room.description && html`<p class="list-lead" dir="auto">${room.description}</p>`}
      <p class="list-facts">
        ${t('room.members', { count: room.member_count })} · ${t('room.created', { date: formatDate(room.created_at) })}
        ${!room.is_public && html`<span class="tag">${t('room.private')}</span>`}
      </p>
    </div>
    ${
      isMember
        ? html`<${Button} size="small" href=${conversationHref(room.conversation_id)} aria-label=${t('room.open.label', { name: room.name })}>
            ${t('room.open')}
          <//>`
        : html`<${JoinButton} room=${room} size="small" />`
    }
  </li>`;
}

/** Joins a public room, and shows it. @param {{room: any, size?: 'small'}} props */
export function JoinButton({ room, size }) {
  const [isBusy, setBusy] = useState(false);
  const join = async () => {
    setBusy(true);
    try {
      await joinRoom(room);
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<${Button}
    kind="primary"
    size=${size}
    isBusy=${isBusy}
    onClick=${join}
    aria-label=${t('room.join.label', { name: room.name })}
  >
    ${t('room.join')}
  <//>`;
}
