import { api, chat } from '../chat.js';
import { nameOf, person } from '../people.js';
import { html, signal } from '../preact.js';
import { openPanel } from '../router.js';
import { t } from '../text.js';
import { Icon } from '../ui/icon.js';

const EXCERPT = 120;

/** The messages that were replied to and that are not at hand, by id. */
const parents = new Map();

for (const type of ['message.updated', 'message.deleted']) {
  chat.on(type, ({ message }) => {
    const known = parents.get(message.id);
    if (known) known.value = message;
  });
}

/** The line above a reply: what it replies to. A press opens the thread. */
export function ReplyTo({ message, place }) {
  const parent = useParent(message.parent_id, place);
  const text = parent?.deleted_at ? t('message.deleted') : parent?.content.slice(0, EXCERPT).replace(/[*_`~>#|]+/g, ' ');
  return html`<button type="button" class="reply-to" tabindex="-1" onClick=${() => openPanel(`thread:${message.parent_id}`)}>
    <${Icon} name="reply" />
    <span class="reply-to-name" dir="auto">${parent ? nameOf(person(parent.sender_id).value) : t('thread.title')}</span>${' '}
    ${parent && html`<span class="reply-to-text" dir="auto">${text || t('message.files', { count: parent.attachments.length })}</span>`}
  </button>`;
}

function useParent(id, { conversation }) {
  const held = conversation.messages.value.find((each) => each.id === id);
  let found = parents.get(id);
  if (!found) {
    found = signal(held ?? null);
    parents.set(id, found);
    if (!held)
      api.get(`/api/chat/messages/${id}`).then(
        (message) => {
          found.value = message;
        },
        () => parents.delete(id),
      );
  }
  return held ?? found.value;
}
