import '../text/en-account.js';
import { html } from '../preact.js';
import { route } from '../router.js';
import { lazy } from '../ui/lazy.js';
import { ForgotPassword } from './forgot.js';
import { Register } from './register.js';
import { SignIn } from './sign-in.js';

const SignInByText = lazy(() => import('./sign-in-by-text.js').then((module) => module.SignInByText));

/** The pages of who is not signed in. Any other address asks for the sign-in, and is shown after it. */
export function SessionPages() {
  const [first, second] = route.value.path;
  if (first === 'register') return html`<${Register} />`;
  if (first === 'forgot') return html`<${ForgotPassword} />`;
  return first === 'sign-in' && second === 'text' ? html`<${SignInByText} />` : html`<${SignIn} />`;
}
