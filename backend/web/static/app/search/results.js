import { inbox } from '../chat.js';
import { nameOf, person, titleOf } from '../people.js';
import { html } from '../preact.js';
import { conversationHref } from '../router.js';
import { formatMoment, formatShort, t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { Empty, Failure, Loading } from '../ui/states.js';

const BEFORE = 60;
const LENGTH = 280;

/** What was found, newest first. @param {{search: any, hasConversation?: boolean, panel?: string}} props */
export function Results({ search, hasConversation = false, panel }) {
  const { found, isLoading, error, hasMore, more, retry } = search;
  if (error) return html`<${Failure} error=${error} retry=${retry} />`;
  if (!found)
    return isLoading
      ? html`<${Loading} />`
      : html`<${Empty} isSmall icon="search" title=${t('search.begin.title')} text=${t('search.begin.text')} />`;
  return html`<p class="search-count" role="status">
      ${found.length ? t(hasMore ? 'search.found.more' : 'search.found', { count: found.length }) : ''}
    </p>
    ${!found.length && !isLoading && html`<${Empty} isSmall icon="search" title=${t('search.none.title')} text=${t('search.none.text')} />`}
    <ul class=${`results ${isLoading ? 'is-stale' : ''}`}>
      ${found.map((message) => html`<${Result} key=${message.id} message=${message} hasConversation=${hasConversation} panel=${panel} />`)}
    </ul>
    ${hasMore && html`<div class="empty-actions"><${Button} isBusy=${isLoading} onClick=${more}>${t('search.more')}<//></div>`}`;
}

function Result({ message, hasConversation, panel }) {
  const sender = person(message.sender_id).value;
  const row = inbox.value.find(({ id }) => id === message.conversation_id);
  return html`<li>
    <a class="result" href=${conversationHref(message.conversation_id, { seq: message.seq, panel })}>
      <${Avatar} user=${sender} size="small" />
      <span class="result-text">
        <span class="result-head">
          <span class="result-sender" dir="auto">${nameOf(sender)}</span>
          ${hasConversation && row && html`<span class="result-place" dir="auto">${titleOf(row)}</span>`}
          <time class="result-time" datetime=${message.created_at} title=${formatMoment(message.created_at)}>${formatShort(message.created_at)}</time>
        </span>
        <span class="result-content" dir="auto">${marked(message)}</span>
        ${message.attachments.map(
          ({ id, filename }) =>
            html`<span class="result-file" key=${id}><${Icon} name="paperclip" /><bdi>${filename}</bdi></span>`,
        )}
      </span>
    </a>
  </li>`;
}

/** The content around the first highlight, with all highlights in it marked. Their places are in code points. */
function marked({ content, highlights }) {
  const points = [...content];
  const from = Math.max(0, (highlights[0]?.[0] ?? 0) - BEFORE);
  const until = Math.min(points.length, from + LENGTH);
  const parts = [from > 0 && '…'];
  let at = from;
  for (const [start, length] of highlights) {
    if (start < at || start >= until) continue;
    parts.push(points.slice(at, start).join(''));
    at = Math.min(start + length, until);
    parts.push(html`<mark>${points.slice(start, at).join('')}</mark>`);
  }
  parts.push(points.slice(at, until).join(''), until < points.length && '…');
  return parts;
}
