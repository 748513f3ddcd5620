import { nameOf, person } from '../people.js';
import { html } from '../preact.js';
import { formatList, t } from '../text.js';

const NAMED = 3;

/** Who is typing. Its place is kept, so that nothing moves. @param {{typing: any}} props */
export function TypingLine({ typing }) {
  const ids = typing.value;
  const names = ids.slice(0, NAMED).map((id) => nameOf(person(id).value));
  const text = ids.length > NAMED ? t('typing.many') : t('typing.some', { count: ids.length, names: formatList(names) });
  return html`<div class="typing" aria-hidden="true">${ids.length > 0 && html`<span class="typing-dots"><i></i><i></i><i></i></span>${text}`}</div>`;
}
