import { ConversationPicture } from '../inbox/row.js';
import { memberCount, presenceOf, titleOf } from '../people.js';
import { html } from '../preact.js';
import { href, openPanel } from '../router.js';
import { t } from '../text.js';
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
  return presenceOf(row.user);
}
