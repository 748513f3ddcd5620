import { nameOf, person } from '../people.js';
import { html } from '../preact.js';
import { formatList, formatNumber, t } from '../text.js';
import { Avatar } from '../ui/avatar.js';

const SHOWN = 3;
const NAMED = 20;

/** Who has read up to a message and no further. @param {{ids: string}} props  with commas between */
export function SeenBy({ ids }) {
  const users = ids.split(',').map((id) => person(Number(id)).value);
  const more = users.length - SHOWN;
  const text = t('message.seen-by', { names: formatList(users.slice(0, NAMED).map(nameOf)) });
  return html`<span class="seen-by" role="img" aria-label=${text} title=${text}>
    ${users.slice(0, SHOWN).map((user, index) => html`<${Avatar} key=${user?.id ?? index} user=${user} size="tiny" />`)}
    ${more > 0 && html`<span class="seen-more">${t('message.seen-more', { count: formatNumber(more) })}</span>`}
  </span>`;
}
