import { nameOf, person } from '../people.js';
import { html } from '../preact.js';
import { formatMoment, formatTime, t } from '../text.js';
import { Avatar } from '../ui/avatar.js';

/** A message. @param {{message: any, row: any, isJoined: boolean}} props  `isJoined`: it follows one of the same sender */
export function MessageArticle({ message, isJoined }) {
  const sender = person(message.sender_id).value;
  return html`<article class=${`message ${isJoined ? 'is-joined' : ''}`} tabindex="-1" data-seq=${message.seq}>
    <div class="message-gutter">
      ${
        isJoined
          ? html`<time class="message-time" datetime=${message.created_at} title=${formatMoment(message.created_at)}>${formatTime(message.created_at)}</time>`
          : html`<${Avatar} user=${sender} />`
      }
    </div>
    <div class="message-body">
      ${
        !isJoined &&
        html`<header class="message-header">
          <span class="message-sender" dir="auto">${nameOf(sender)}</span>
          <time class="message-time" datetime=${message.created_at} title=${formatMoment(message.created_at)}>${formatTime(message.created_at)}</time>
        </header>`
      }
      <div class="message-content" dir="auto">${message.deleted_at ? html`<em>${t('message.deleted')}</em>` : message.content}</div>
    </div>
  </article>`;
}
