import { conversationSignals } from '../chat.js';
import { Composer } from '../composer/composer.js';
import { html, useMemo } from '../preact.js';
import { newDirectRow } from '../people/direct.js';
import { lazy } from '../ui/lazy.js';
import { Announcer } from './announcer.js';
import { startEditLast } from './local-state.js';
import { ConversationHeader } from './header.js';
import { Timeline } from './timeline.js';
import { TypingLine } from './typing.js';

/** What is shown where the conversation is not in the inbox: not yet, or not for this user. */
const Absent = lazy(() => import('../rooms/absent.js').then((module) => module.Absent));

/** A conversation: header, messages, composer. @param {{id: string, seq: number | null}} props  `seq`: the message to show */
export function ConversationPane({ id, seq }) {
  const signals = useMemo(() => conversationSignals(id), [id]);
  const row = signals.info.value ?? newDirectRow(id);
  const timeline = useSame(row && html`<${Timeline} signals=${signals} row=${row} seq=${seq} />`, [
    signals,
    row?.room,
    row?.user,
    seq,
  ]);
  if (!row) return html`<${Absent} id=${id} />`;
  return html`<div class="conversation">
    <${ConversationHeader} row=${row} />
    ${timeline}
    <${TypingLine} typing=${signals.typing} />
    <${Composer} signals=${signals} row=${row} onEditLast=${() => startEditLast(signals.messages.peek(), false)} />
    <${Announcer} id=${id} />
  </div>`;
}

/** The same element until what it depends on changes: not with each message, which changes the counts of the row. */
function useSame(element, dependencies) {
  return useMemo(() => element, [Boolean(element), ...dependencies]);
}
