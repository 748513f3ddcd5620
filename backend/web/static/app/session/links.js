import '../text/en-account.js';
import { html } from '../preact.js';
import { route } from '../router.js';
import { JoinPage } from './join.js';
import { ResetPage } from './reset.js';
import { VerifyPage } from './verify.js';

const PAGES = { verify: VerifyPage, reset: ResetPage, join: JoinPage };

/**
 * The pages behind the links of mails and invites. What became of the secret of a mail stands in the address in its place
 * (`#/verify/done`), so that it does not stay in the history of the browser.
 */
export function LinkPages() {
  const { path, query } = route.value;
  const [page, outcome = ''] = path;
  const secret = query.token ?? query.code ?? outcome;
  return html`<${PAGES[page]} key=${path.join()} secret=${secret} outcome=${outcome} />`;
}
