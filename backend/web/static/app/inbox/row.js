import { me } from '../chat.js';
import { drafted, draftOf } from '../composer/drafts.js';
import { nameOf, person, titleOf } from '../people.js';
import { html } from '../preact.js';
import { conversationHref } from '../router.js';
import { formatMoment, formatNumber, formatShort, rich, t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Icon } from '../ui/icon.js';

/**
 * A conversation of the inbox: name, last message, time, counts, and the button of its menu.
 * @param {{row: any, isCurrent: boolean, isStop: boolean}} props  `isStop`: the Tab key reaches it
 */
export function InboxRow({ row, isCurrent, isStop }) {
  const { last_message: last, unread_count: unread, mention_count: mentions, is_muted: isMuted } = row;
  const draft = !isCurrent && drafted.value.has(row.id) && draftOf(row.id).trim();
  const classes = ['inbox-row', unread && !isMuted && 'is-unread', isMuted && 'is-muted'].filter(Boolean).join(' ');
  return html`<li class="inbox-item" data-id=${row.id}>
    <a class=${classes} href=${conversationHref(row.id)} aria-current=${isCurrent ? 'page' : undefined} tabindex=${isStop ? 0 : -1}>
      <${ConversationPicture} row=${row} />
      <span class="inbox-row-text">
        <span class="inbox-row-name" dir="auto">${titleOf(row)}</span>
        <span class="inbox-row-last" dir="auto">${draft ? html`<${Draft} text=${draft} />` : last ? excerpt(row, last) : t('inbox.no-message')}</span>
      </span>
      <span class="inbox-row-side">
        ${last && html`<time class="inbox-row-time" datetime=${last.created_at} title=${formatMoment(last.created_at)}>${formatShort(last.created_at)}</time>`}
        <span class="inbox-row-badges">
          ${isMuted && html`<span class="badge-icon" role="img" aria-label=${t('inbox.muted')}><${Icon} name="bell-off" /></span>`}
          ${
            mentions > 0 &&
            html`<span class="badge badge-mention" dir="ltr" role="img" aria-label=${t('inbox.mentions', { count: mentions })}>@${formatNumber(mentions)}</span>`
          }
          ${unread > 0 && html`<span class="badge" role="img" aria-label=${t('inbox.unread', { count: unread })}>${formatNumber(unread)}</span>`}
        </span>
      </span>
    </a>
    <button
      type="button"
      class="icon-button icon-button-small inbox-row-menu"
      tabindex="-1"
      aria-haspopup="menu"
      aria-label=${t('inbox.menu', { name: titleOf(row) })}
    >
      <${Icon} name="more" />
    </button>
  </li>`;
}

/** What one began to write. */
function Draft({ text }) {
  return rich('inbox.draft', { text, draft: html`<b class="inbox-row-draft">${t('inbox.draft.word')}</b>` });
}

/** The picture of a conversation: of the other user, or a sign of its kind. @param {{row: any, size?: string}} props */
export function ConversationPicture({ row, size }) {
  if (row.kind === 'dm') return html`<${Avatar} user=${row.user} size=${size} hasPresence />`;
  const icon = row.kind === 'lobby' ? 'globe' : row.room.is_public ? 'hash' : 'lock';
  return html`<span class=${`avatar avatar-sign ${size ? `avatar-${size}` : ''}`}><${Icon} name=${icon} /></span>`;
}

/** The start of the last message, without marks of Markdown. */
function excerpt(row, message) {
  const text = message.deleted_at
    ? t('message.deleted')
    : message.content.slice(0, 200).replace(/[*_`~>#|]+/g, ' ') || t('message.files', { count: message.attachments.length });
  if (message.sender_id === me.value?.id) return t('inbox.own', { text });
  return row.kind === 'dm' ? text : t('inbox.other', { name: nameOf(person(message.sender_id).value), text });
}
