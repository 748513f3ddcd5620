import { html } from '../preact.js';
import { route } from '../router.js';
import { JoinPage } from './join.js';
import { ResetPage } from './reset.js';
import { VerifyPage } from './verify.js';

const PAGES = { verify: VerifyPage, reset: ResetPage, join: JoinPage };

/** The pages behind the links of mails and invites. */
export function LinkPages() {
  const { path, query } = route.value;
  const secret = path[1] ?? query.token ?? query.code ?? '';
  return html`<${PAGES[path[0]]} key=${secret} secret=${secret} />`;
}
