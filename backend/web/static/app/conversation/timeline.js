import { me } from '../chat.js';
import { OutboxMessages } from '../composer/outbox.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Failure, Loading } from '../ui/states.js';
import { deleted, editedIn } from './local-state.js';
import { readersOf } from './entries.js';
import { Jumps } from './jumps.js';
import { useMessageList } from './message-list.js';
import { usePlace } from './place.js';
import { Start } from './start.js';
import { useTimeline } from './use-timeline.js';

/** The messages of a conversation, oldest first. @param {{signals: any, row: any, seq: number | null}} props  `seq`: the message to show */
export function Timeline({ signals, row, seq }) {
  const { conversation } = signals;
  const place = usePlace(conversation, row);
  const timeline = useTimeline(signals, row, seq);
  const shown = timeline.shown.filter(({ id }) => !deleted.value.has(id));
  const list = useMessageList(timeline.scroller, shown, place);
  const entries = list.entries.of(shown, {
    place,
    unreadFrom: timeline.unreadFrom,
    activeIds: list.activeIds,
    editingId: editedIn(false),
    highlightedId: timeline.highlightedId,
    readers: row.kind === 'dm' ? undefined : readersOf(shown, signals.readers.value, me.value?.id),
  });
  const isUnknown = !shown.length && conversation.hasBefore;
  const isStart = timeline.isFirst && !conversation.hasBefore;
  return html`<div class="timeline-frame">
    <section class="timeline" ref=${timeline.scroller} aria-label=${t('conversation.messages')} data-messages onScroll=${timeline.onScroll} ...${list.handlers}>
      <div class="timeline-content" ref=${timeline.content}>
        ${isUnknown && (timeline.error ? html`<${Failure} error=${timeline.error} retry=${timeline.retry} />` : html`<${Loading} />`)}
        ${isUnknown ? null : isStart ? html`<${Start} row=${row} />` : html`<${Edge} timeline=${timeline} />`}
        ${entries}
        ${timeline.isPresent && html`<${OutboxMessages} outbox=${signals.outbox} messages=${timeline.shown} />`}
      </div>
    </section>
    <${Jumps} timeline=${timeline} />
  </div>`;
}

/** The end of what is loaded. Its height stays the same. */
function Edge({ timeline }) {
  return html`<div class="timeline-edge">
    ${
      timeline.error
        ? html`<p>${t('conversation.older.failed')}</p>
            <${Button} size="small" onClick=${timeline.retry}>${t('action.retry')}<//>`
        : timeline.isLoading.value && html`<${Loading} />`
    }
  </div>`;
}
