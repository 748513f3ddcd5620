import { me, signalOf, state } from '../chat.js';
import { nameOf } from '../people.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import { errorText } from '../ui/errors.js';
import { Icon } from '../ui/icon.js';
import { Preview } from './files.js';

/**
 * The messages that the server does not have yet, at the end of a conversation or of a thread.
 * @param {{outbox: any, messages: any[], parentId?: number}} props  `outbox`: the signal of the conversation; `messages`: what is
 *   shown of it
 */
export function OutboxMessages({ outbox, messages, parentId }) {
  // Where the page was closed before the server's answer, the message is read from the server before it leaves the outbox.
  const stored = new Set(messages.map((message) => message.client_message_id));
  const shown = outbox.value.filter((sent) => (sent.parentId ?? undefined) === parentId && !stored.has(sent.clientMessageId));
  return shown.map((sent) => html`<${OutboxMessage} key=${sent.clientMessageId} sent=${sent} />`);
}

function OutboxMessage({ sent }) {
  const now = signalOf(sent.changes).value;
  const progress = signalOf(sent.progress).value;
  const { attachments } = sent;
  const isFailed = now === 'failed';
  return html`<article class=${`message is-outbox ${isFailed ? 'is-failed' : ''}`} aria-label=${t('outbox.label', { text: sent.content })}>
    <div class="message-gutter"><${Avatar} user=${me.value} /></div>
    <div class="message-body">
      <header class="message-header">
        <span class="message-sender" dir="auto">${nameOf(me.value)}</span>
        <${Status} now=${now} isUploading=${attachments.length > 0 && progress < 1} />
      </header>
      <div class="message-content" dir="auto">${sent.content}</div>
      ${
        attachments.length > 0 &&
        html`<ul class="chosen-files">
            ${attachments.map((file) => html`<li class="chosen-file"><${Preview} file=${file} /><span class="chosen-file-name" dir="auto">${file.name}</span></li>`)}
          </ul>
          ${
            !isFailed &&
            html`<div class="upload">
              <progress max="1" value=${progress} aria-label=${t('outbox.progress')}></progress>
              <${Button} size="small" onClick=${(event) => remove(event, sent)}>${t('outbox.cancel')}<//>
            </div>`
          }`
      }
      ${
        isFailed &&
        html`<div class="outbox-failure" role="alert">
          <p>${errorText(sent.error)}</p>
          <${Button} size="small" icon="refresh" onClick=${() => sent.retry()}>${t('action.retry')}<//>
          <${Button} size="small" icon="trash" onClick=${(event) => remove(event, sent)}>${t('action.delete')}<//>
        </div>`
      }
    </div>
  </article>`;
}

/** Delete a message that is not sent. The text box takes the focus, because the button is gone. */
function remove({ currentTarget }, sent) {
  currentTarget.closest('.conversation, .panel')?.querySelector('.composer-input')?.focus();
  sent.cancel();
}

function Status({ now, isUploading }) {
  if (now === 'failed') return html`<span class="outbox-state is-failed"><${Icon} name="alert" />${t('outbox.failed')}</span>`;
  const isWaiting = now === 'queued' && state.value.status !== 'live';
  const text = isWaiting ? 'outbox.queued' : isUploading ? 'outbox.uploading' : 'outbox.sending';
  return html`<span class="outbox-state"><${Icon} name="clock" />${t(text)}</span>`;
}
