import { api } from '../chat.js';
import { html, useEffect, useState } from '../preact.js';
import { formatMoment, t } from '../text.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { Failure, Loading } from '../ui/states.js';
import { markdown } from './markdown.js';
import { mentionedBy } from './mentions.js';

/** Show the versions of a message that was edited, the present one first. */
export function showHistory(message) {
  return showDialog((close) => html`<${History} message=${message} onClose=${close} />`);
}

function History({ message, onClose }) {
  const [versions, setVersions] = useState(null);
  const [error, setError] = useState(null);
  const load = () => {
    setError(null);
    api.all(`/api/chat/messages/${message.id}/history?limit=100`).then(setVersions, setError);
  };
  useEffect(load, []);
  // Each version is kept with the moment at which it was replaced: that is when the next one began.
  const starts = [message.created_at, ...(versions ?? []).map((version) => version.edited_at)];
  const all = [...(versions ?? []), message].map((version, index) => ({
    ...message,
    content: version.content,
    since: starts[index],
  }));
  return html`<${Dialog} title=${t('history.title')} onClose=${onClose}>
    ${error && html`<${Failure} error=${error} retry=${load} />`} ${!error && !versions && html`<${Loading} />`}
    ${
      versions &&
      html`<ol class="versions">
        ${all.reverse().map(
          (version, index) => html`<li class="version">
            <p class="version-head">
              <time datetime=${version.since}>${formatMoment(version.since)}</time>
              ${index === 0 && html`<span class="tag">${t('history.current')}</span>`}
            </p>
            <div class="message-content" dir="auto">${markdown(version, mentionedBy(version))}</div>
          </li>`,
        )}
      </ol>`
    }
  <//>`;
}
