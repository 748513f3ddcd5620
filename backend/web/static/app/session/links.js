import { html } from '../preact.js';
import { route } from '../router.js';
import { t } from '../text.js';
import { Card } from './card.js';

/** The pages behind the links of mails and invites. */
export function LinkPages() {
  return html`<${Card} title=${t(`link.${route.value.path[0]}.title`)} />`;
}
