import { OutboxMessages } from '../composer/outbox.js';
import { html, useLayoutEffect, useRef } from '../preact.js';
import { formatDay, t } from '../text.js';
import { Empty } from '../ui/states.js';
import { MessageArticle } from './message.js';

const TOGETHER = 5 * 60_000;

/** The messages of a conversation, oldest first. @param {{signals: any, row: any, seq: number | null}} props */
export function Timeline({ signals, row }) {
  const { conversation } = signals;
  const messages = signals.messages.value;
  const scroller = useRef(null);
  const last = messages[messages.length - 1];
  useLayoutEffect(() => {
    scroller.current.scrollTop = scroller.current.scrollHeight;
    if (last && document.hasFocus()) conversation.read(last.seq);
  }, [last?.id]);
  if (!messages.length && !conversation.hasBefore && !signals.outbox.value.length)
    return html`<div class="timeline" ref=${scroller}>
      <${Empty} icon="message" title=${t('conversation.empty.title')} text=${t('conversation.empty.text')} />
    </div>`;
  return html`<div class="timeline" ref=${scroller} tabindex="0" aria-label=${t('conversation.messages')}>
    ${messages.flatMap((message, index) => {
      const before = messages[index - 1];
      const isNewDay = !before || new Date(before.created_at).toDateString() !== new Date(message.created_at).toDateString();
      const isJoined =
        !isNewDay &&
        before.sender_id === message.sender_id &&
        new Date(message.created_at).getTime() - new Date(before.created_at).getTime() < TOGETHER;
      return [
        isNewDay &&
          html`<div class="day" key=${`day ${message.seq}`} role="separator"><span>${formatDay(message.created_at)}</span></div>`,
        html`<${MessageArticle} key=${message.id} message=${message} row=${row} isJoined=${isJoined} />`,
      ];
    })}
    <${OutboxMessages} outbox=${signals.outbox} />
  </div>`;
}
