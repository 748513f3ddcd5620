import { chat, me } from '../chat.js';
import { nameOf, person } from '../people.js';
import { html, useEffect, useState } from '../preact.js';
import { t } from '../text.js';

/** New messages are spoken together after so long. */
const BATCH = 1500;
const SPOKEN = 3;
const LONGEST = 200;

/** Speaks the new messages of others in the open conversation. It is seen by nobody. @param {{id: string}} props of the conversation */
export function Announcer({ id }) {
  const [{ text, number }, setSpoken] = useState({ text: '', number: 0 });
  useEffect(() => {
    let waiting = [];
    let timer;
    const speak = () => {
      timer = undefined;
      const now = waiting.length > SPOKEN ? t('announce.count', { count: waiting.length }) : waiting.map(spoken).join(' ');
      setSpoken((before) => ({ text: now, number: before.number + 1 }));
      waiting = [];
    };
    const end = chat.on('message', (message) => {
      if (message.conversation_id !== id || message.sender_id === me.peek()?.id || message.deleted_at) return;
      waiting.push(message);
      timer ??= setTimeout(speak, BATCH);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [id]);
  return html`<div class="visually-hidden" role="log" aria-live="polite" aria-relevant="additions text" data-announcer>
    <p key=${number}>${text}</p>
  </div>`;
}

function spoken({ sender_id: senderId, content, attachments }) {
  const name = nameOf(person(senderId).peek());
  const text = content.slice(0, LONGEST) || t('message.files', { count: attachments.length });
  return t('announce.message', { name, text });
}
