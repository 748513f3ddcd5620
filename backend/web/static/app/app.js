import { me, state } from './chat.js';
import { html, useLayoutEffect } from './preact.js';
import { go, route } from './router.js';
import './session/ended.js';
import { Dialogs } from './ui/dialog.js';
import { lazy } from './ui/lazy.js';
import { Toasts } from './ui/toast.js';
import { Skeleton } from './skeleton.js';
import { Workspace } from './workspace.js';

const SessionPages = lazy(() => import('./session/pages.js').then((module) => module.SessionPages));
const LinkPages = lazy(() => import('./session/links.js').then((module) => module.LinkPages));

/** The addresses of mails and invites, which are shown whoever is signed in. */
const LINKS = ['verify', 'reset', 'join'];

/** The addresses of who is not signed in. */
const SESSION = ['forgot', 'register', 'sign-in'];

/** The page: what the address names, for who is signed in. */
export function App() {
  const [first] = route.value.path;
  const isSignedOut = state.value.status === 'signed-out' && !me.value;
  // Before the page can be used: an effect that runs later would undo the first click.
  useLayoutEffect(() => {
    document.body.classList.toggle('is-signed-in', Boolean(me.value));
    if (me.value && SESSION.includes(first)) go([], undefined, { replace: true });
  });
  let content = html`<${Skeleton} />`;
  if (LINKS.includes(first)) content = html`<${LinkPages} />`;
  else if (isSignedOut) content = html`<${SessionPages} />`;
  else if (me.value) content = html`<${Workspace} />`;
  return html`${content}<${Dialogs} /><${Toasts} />`;
}
