import { api, chat, conversationSignals, state } from '../chat.js';
import { Composer } from '../composer/composer.js';
import { OutboxMessages } from '../composer/outbox.js';
import { titleOf } from '../people.js';
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../preact.js';
import { t } from '../text.js';
import { Panel } from '../ui/panel.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { deleted, editedIn, startEditLast } from './local-state.js';
import { useMessageList } from './message-list.js';
import { usePlace } from './place.js';
import { ScrollPlace } from './scroll.js';

/** A message and its replies, beside the conversation. @param {{id: string, argument: string}} props  `argument`: the id of the message */
export function ThreadPanel({ id, argument }) {
  const signals = useMemo(() => conversationSignals(id), [id]);
  const row = signals.info.value;
  if (!row) {
    const isAbsent = state.value.status === 'live';
    const absent = html`<${Empty} icon="lock" title=${t('conversation.absent.title')} text=${t('conversation.absent.text')} />`;
    return html`<${Panel} title=${t('thread.title')}>${isAbsent ? absent : html`<${Loading} />`}<//>`;
  }
  return html`<${Thread} key=${argument} signals=${signals} row=${row} rootId=${Number(argument)} />`;
}

function Thread({ signals, row, rootId }) {
  const { messages, error, retry } = useThread(rootId);
  const place = usePlace(signals.conversation, row, true);
  const scroller = useRef(null);
  const shown = messages?.filter(({ id }) => !deleted.value.has(id)) ?? [];
  const list = useMessageList(scroller, shown, place);
  const entries = list.entries.of(shown, { place, activeIds: list.activeIds, editingId: editedIn(true) });
  const onScroll = useFollowing(scroller);
  const isRootGone = messages && messages[0]?.id !== rootId;
  return html`<${Panel} title=${t('thread.title')} subtitle=${titleOf(row)} class="thread">
    ${error && html`<${Failure} error=${error} retry=${retry} />`} ${!error && !messages && html`<${Loading} />`}
    ${
      messages &&
      html`<section class="timeline" ref=${scroller} aria-label=${t('thread.messages')} data-messages onScroll=${onScroll} ...${list.handlers}>
          <div class="timeline-content">${entries}<${OutboxMessages} outbox=${signals.outbox} messages=${messages} parentId=${rootId} /></div>
        </section>
        ${!isRootGone && html`<${Composer} signals=${signals} row=${row} parentId=${rootId} onEditLast=${() => startEditLast(shown, true)} />`}`
    }
  <//>`;
}

/** The message and its replies, oldest first, kept as they are on the server. */
function useThread(rootId) {
  const [messages, setMessages] = useState(null);
  const [error, setError] = useState(null);
  const known = useRef(new Map());
  const take = (all) => {
    for (const message of all) {
      const held = known.current.get(message.id);
      if (!held || message.modseq >= held.modseq) known.current.set(message.id, message);
    }
    setMessages([...known.current.values()].sort((a, b) => a.seq - b.seq));
  };
  const load = async () => {
    setError(null);
    try {
      const path = `/api/chat/messages/${rootId}`;
      const [root, replies] = await Promise.all([api.get(path), api.all(`${path}/replies?limit=100`)]);
      take([root, ...replies]);
    } catch (failure) {
      if (!known.current.size) setError(failure);
    }
  };
  const isLive = state.value.status === 'live';
  // After a time without connection, what was missed is loaded again.
  useEffect(() => void load(), [rootId, isLive]);
  useEffect(() => {
    const listen = ({ message }) => (message.id === rootId || message.parent_id === rootId) && take([message]);
    const ends = ['message.created', 'message.updated', 'message.deleted'].map((type) => chat.on(type, listen));
    return () => {
      for (const end of ends) end();
    };
  }, [rootId]);
  return { messages, error, retry: load };
}

/** Stay at the bottom of a list while it grows, unless the reader went up. Returns what is to be called when it scrolls. */
function useFollowing(scroller) {
  const place = useMemo(() => new ScrollPlace(), []);
  useLayoutEffect(() => {
    place.element = scroller.current;
    if (place.element) place.resized();
  });
  return () => place.take(true);
}
