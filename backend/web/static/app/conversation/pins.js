import { api, chat, conversationSignals, state } from '../chat.js';
import { nameOf, person } from '../people.js';
import { html, useEffect, useMemo, useRef, useState } from '../preact.js';
import { conversationHref } from '../router.js';
import { formatMoment, formatShort, t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import { Panel } from '../ui/panel.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { setPinned } from './actions.js';
import { Attachments } from './attachments.js';
import { markdown } from './markdown.js';
import { mentionedBy } from './mentions.js';
import { permissions, usePlace } from './place.js';

/** The pinned messages of a conversation, the newest first. @param {{id: string}} props */
export function PinsPanel({ id }) {
  const signals = useMemo(() => conversationSignals(id), [id]);
  const row = signals.info.value;
  const { pins, error, load } = usePins(id);
  return html`<${Panel} title=${t('pins.title')}>
    <div class="panel-body">
      ${error && html`<${Failure} error=${error} retry=${load} />`} ${!error && !pins && html`<${Loading} />`}
      ${pins && !pins.length && html`<${Empty} isSmall icon="pin" title=${t('pins.empty.title')} text=${t('pins.empty.text')} />`}
      ${
        row &&
        pins?.length > 0 &&
        html`<ol class="pins">
          ${pins.map((message) => html`<${Pin} key=${message.id} message=${message} row=${row} conversation=${signals.conversation} />`)}
        </ol>`
      }
    </div>
  <//>`;
}

function usePins(id) {
  const [pins, setPins] = useState(null);
  const [error, setError] = useState(null);
  // What changed since the call: its answer may be older.
  const changes = useRef(new Map());
  const load = async () => {
    setError(null);
    changes.current = new Map();
    try {
      const found = await api.all(`/api/chat/messages?conversation_id=${id}&pinned=true&limit=100`);
      setPins([...changes.current.values()].reduce(withChange, found));
    } catch (failure) {
      setError(failure);
    }
  };
  const isLive = state.value.status === 'live';
  // No event tells of what was pinned while the connection was away.
  useEffect(() => {
    if (isLive || !pins) void load();
  }, [id, isLive]);
  useEffect(() => {
    const take = ({ message }) => {
      if (message.conversation_id !== id) return;
      changes.current.set(message.id, message);
      setPins((before) => before && withChange(before, message));
    };
    const ends = ['message.updated', 'message.deleted'].map((type) => chat.on(type, take));
    return () => {
      for (const end of ends) end();
    };
  }, [id]);
  return { pins, error, load };
}

/** The pins after a change of a message. @param {any[]} pins @param {any} message */
function withChange(pins, message) {
  const others = pins.filter(({ id }) => id !== message.id);
  if (!message.is_pinned && others.length === pins.length) return pins;
  return message.is_pinned ? [...others, message].sort((a, b) => b.seq - a.seq) : others;
}

function Pin({ message, row, conversation }) {
  const place = usePlace(conversation, row);
  const sender = person(message.sender_id).value;
  const { created_at: at } = message;
  return html`<li class="pin">
    <header class="message-header">
      <${Avatar} user=${sender} size="small" />
      <span class="message-sender" dir="auto">${nameOf(sender)}</span>
      <time class="message-time" datetime=${at} title=${formatMoment(at)}>${formatShort(at)}</time>
    </header>
    <div class="message-content" dir="auto">${markdown(message, mentionedBy(message))}</div>
    ${message.attachments.length > 0 && html`<${Attachments} attachments=${message.attachments} />`}
    <div class="pin-actions">
      <${Button} size="small" href=${conversationHref(message.conversation_id, { seq: message.seq, panel: 'pins' })}>${t('pins.show')}<//>
      ${
        permissions(message, place).mayPin &&
        html`<${Button} size="small" kind="quiet" onClick=${() => setPinned(message, false)}>${t('message.unpin')}<//>`
      }
    </div>
  </li>`;
}
