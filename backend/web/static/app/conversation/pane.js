import { conversationSignals, inbox, state } from '../chat.js';
import { Composer } from '../composer/composer.js';
import { html, useMemo } from '../preact.js';
import { href } from '../router.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Empty, Loading } from '../ui/states.js';
import { ConversationHeader } from './header.js';
import { Timeline } from './timeline.js';
import { TypingLine } from './typing.js';

/** A conversation: header, messages, composer. @param {{id: string, seq: number | null}} props  `seq`: the message to show */
export function ConversationPane({ id, seq }) {
  const signals = useMemo(() => conversationSignals(id), [id]);
  const row = signals.info.value;
  if (!row) return html`<${Absent} />`;
  return html`<div class="conversation">
    <${ConversationHeader} row=${row} />
    <${Timeline} signals=${signals} row=${row} seq=${seq} />
    <${TypingLine} typing=${signals.typing} />
    <${Composer} signals=${signals} row=${row} />
  </div>`;
}

/** The conversation is not in the inbox: not yet, or not for this user. */
function Absent() {
  if (state.value.status !== 'live' && !inbox.value.length) return html`<${Loading} />`;
  return html`<${Empty} icon="lock" title=${t('conversation.absent.title')} text=${t('conversation.absent.text')}>
    <${Button} href=${href(['rooms'])}>${t('rooms.browse')}<//>
  <//>`;
}
