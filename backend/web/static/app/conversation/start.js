import { ConversationPicture } from '../inbox/row.js';
import { titleOf } from '../people.js';
import { html } from '../preact.js';
import { formatDate, t } from '../text.js';

/** The start of a conversation: what it is, above its first message. */
export function Start({ row }) {
  const name = titleOf(row);
  return html`<header class="timeline-start">
    <${ConversationPicture} row=${row} size="large" />
    <h3 class="timeline-start-title" dir="auto">${name}</h3>
    <p class="timeline-start-text" dir="auto">${about(row, name)}</p>
  </header>`;
}

function about(row, name) {
  if (row.kind === 'lobby') return t('start.lobby');
  if (row.kind === 'dm') return row.id.split(':')[1] === row.id.split(':')[2] ? t('start.notes') : t('start.direct', { name });
  return row.room.description || t('start.room', { date: formatDate(row.room.created_at) });
}
