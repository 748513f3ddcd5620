import { me } from '../chat.js';
import { nameOf, person } from '../people.js';
import { html } from '../preact.js';
import { openPanel } from '../router.js';
import { formatClock, formatMoment, formatShort, formatTime, t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Icon } from '../ui/icon.js';
import { lazy } from '../ui/lazy.js';
import { Attachments } from './attachments.js';
import { isOnlyEmoji, markdown } from './markdown.js';
import { mentionedBy } from './mentions.js';
import { Reactions } from './reactions.js';
import { ReplyTo } from './reply-to.js';
import { SeenBy } from './seen-by.js';

const nothing = () => null;
const Toolbar = lazy(() => import('./toolbar.js').then((module) => module.MessageToolbar), { Absent: nothing });
const Editor = lazy(() => import('./editor.js').then((module) => module.MessageEditor), { Absent: nothing });

const LABELLED = 300;

/**
 * A message. All that it shows is in its props, so that it need not be made again while they are the same.
 * @param {{
 *   message: any, place: import('./place.js').Place, isJoined?: boolean, isActive?: boolean, isEditing?: boolean,
 *   isHighlighted?: boolean, lastReplyAt?: string, readers?: string
 * }} props
 *   `isJoined`: it follows one of the same sender; `isActive`: it is looked at, so its toolbar is shown;
 *   `readers`: the ids of those who have read up to here, with commas
 */
export function MessageArticle({ message, place, isJoined, isActive, isEditing, isHighlighted, lastReplyAt, readers }) {
  const sender = person(message.sender_id).value;
  const ownId = me.value?.id;
  const isDeleted = Boolean(message.deleted_at);
  const isMention = !isDeleted && message.sender_id !== ownId && (message.mentions_room || message.mentions.includes(ownId));
  const classes = [
    'message',
    isActive && 'is-active',
    isJoined && 'is-joined',
    isMention && 'is-mention',
    isHighlighted && 'is-highlighted',
    isEditing && 'is-editing',
  ];
  return html`<article
    class=${classes.filter(Boolean).join(' ')}
    tabindex="-1"
    data-id=${message.id}
    data-seq=${message.seq}
    aria-label=${label(message, sender)}
  >
    <div class="message-gutter">${isJoined ? html`<${Time} message=${message} format=${formatClock} />` : html`<${Avatar} user=${sender} />`}</div>
    <div class="message-body">
      ${
        !isJoined &&
        html`<header class="message-header">
          <button type="button" class="message-sender" tabindex="-1" dir="auto" onClick=${() => openPanel(`person:${message.sender_id}`)}>
            ${nameOf(sender)}
          </button>
          <${Time} message=${message} />
          ${message.is_pinned && html`<${PinnedMark} />`}
        </header>`
      }
      ${message.parent_id && !place.isThread && html`<${ReplyTo} message=${message} place=${place} />`}
      ${isEditing ? html`<${Editor} message=${message} place=${place} />` : html`<${Content} message=${message} />`}
      ${isJoined && message.is_pinned && html`<${PinnedMark} />`}
      ${message.attachments.length > 0 && html`<${Attachments} attachments=${message.attachments} />`}
      <${Reactions} message=${message} place=${place} />
      ${message.reply_count > 0 && !place.isThread && html`<${ThreadSummary} message=${message} lastReplyAt=${lastReplyAt} />`}
    </div>
    ${message.sender_id === ownId && place.kind === 'dm' && !place.isNotes && !isDeleted && html`<${ReadState} isRead=${message.is_read} />`}
    ${readers && html`<${SeenBy} ids=${readers} />`}
    ${isActive && !isEditing && html`<${Toolbar} message=${message} place=${place} />`}
  </article>`;
}

function label(message, sender) {
  const files = message.attachments.length;
  const text = message.deleted_at
    ? t('message.deleted')
    : message.content.slice(0, LABELLED) || t('message.files', { count: files });
  return t('message.label', { name: nameOf(sender), time: formatTime(message.created_at), text });
}

function Time({ message, format = formatTime }) {
  const { created_at: at } = message;
  return html`<time class="message-time" datetime=${at} title=${formatMoment(at)}>${format(at)}</time>`;
}

function PinnedMark() {
  return html`<span class="message-mark"><${Icon} name="pin" />${t('message.pinned')}</span>`;
}

function Content({ message }) {
  if (message.deleted_at) return html`<p class="message-deleted">${t('message.deleted')}</p>`;
  const { content } = message;
  if (!content) return message.edited_at && html`<${EditedMark} message=${message} />`;
  return html`<div class=${`message-content ${isOnlyEmoji(content) ? 'is-emoji' : ''}`} dir="auto">
    ${markdown(message, mentionedBy(message))} ${message.edited_at && html`<${EditedMark} message=${message} />`}
  </div>`;
}

function EditedMark({ message }) {
  const open = async () => (await import('./history.js')).showHistory(message);
  return html`<button type="button" class="message-edited" tabindex="-1" title=${formatMoment(message.edited_at)} onClick=${open}>
    ${t('message.edited')}
  </button>`;
}

function ThreadSummary({ message, lastReplyAt }) {
  return html`<button type="button" class="thread-summary" tabindex="-1" onClick=${() => openPanel(`thread:${message.id}`)}>
    <${Icon} name="thread" />${t('thread.replies', { count: message.reply_count })}
    ${lastReplyAt && html`<span class="thread-last">${t('thread.last-reply', { when: formatShort(lastReplyAt) })}</span>`}
  </button>`;
}

function ReadState({ isRead }) {
  const text = t(isRead ? 'message.read' : 'message.sent');
  return html`<span class=${`message-state ${isRead ? 'is-read' : ''}`} role="img" aria-label=${text} title=${text}>
    <${Icon} name=${isRead ? 'check-double' : 'check'} />
  </span>`;
}
