import { online } from '../chat.js';
import { ConversationPicture } from '../inbox/row.js';
import { memberCount, titleOf } from '../people.js';
import { html } from '../preact.js';
import { href, openPanel } from '../router.js';
import { formatRelative, t } from '../text.js';
import { IconButton } from '../ui/button.js';

/** The name of the conversation, what it is, and the ways to its details. @param {{row: any}} props */
export function ConversationHeader({ row }) {
  return html`<header class="pane-header">
    <${IconButton} icon="back" class="pane-back" label=${t('action.back')} href=${href([])} />
    <${ConversationPicture} row=${row} />
    <div class="pane-heading">
      <h2 class="pane-title" dir="auto">${titleOf(row)}</h2>
      <p class="pane-subtitle" dir="auto">${subtitle(row)}</p>
    </div>
    <${IconButton} icon="pin" label=${t('pins.title')} onClick=${() => openPanel('pins')} />
    <${IconButton} icon="search" label=${t('search.in-conversation')} onClick=${() => openPanel('search')} />
    <${IconButton} icon="info" label=${t('details.title')} onClick=${() => openPanel('details')} />
  </header>`;
}

function subtitle(row) {
  if (row.kind === 'lobby') return t('conversation.lobby.subtitle');
  if (row.kind === 'room') {
    const members = t('room.members', { count: memberCount(row) });
    return row.room.description ? `${members} · ${row.room.description}` : members;
  }
  if (online.value.has(row.user?.id)) return t('person.online');
  return row.user?.last_seen_at
    ? t('person.last-seen', { when: formatRelative(row.user.last_seen_at) })
    : `@${row.user?.username ?? ''}`;
}
