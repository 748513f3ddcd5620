import { titleOf } from '../people.js';
import { html, useRef } from '../preact.js';
import { t } from '../text.js';
import { IconButton } from '../ui/button.js';

/** Where a message is written. @param {{signals: any, row: any, parentId?: number}} props  `parentId`: it is a reply in a thread */
export function Composer({ signals, row, parentId }) {
  const { conversation } = signals;
  const input = useRef(null);
  const send = () => {
    const content = input.current.value;
    if (!content.trim()) return;
    conversation.send({ content, parentId });
    input.current.value = '';
  };
  const onKeyDown = (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };
  const label = parentId ? t('composer.reply') : t('composer.label', { name: titleOf(row) });
  return html`<div class="composer">
    <div class="composer-box">
      <textarea
        ref=${input}
        class="composer-input"
        rows="1"
        dir="auto"
        aria-label=${label}
        placeholder=${label}
        onInput=${() => conversation.startTyping()}
        onKeyDown=${onKeyDown}
      ></textarea>
      <${IconButton} icon="send" class="composer-send" label=${t('action.send')} onClick=${send} />
    </div>
  </div>`;
}
