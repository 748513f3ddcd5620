import { chat } from '../chat.js';
import { html } from '../preact.js';
import { route } from '../router.js';
import { t } from '../text.js';
import { Field, Form } from '../ui/form.js';
import { Card } from './card.js';

/** The pages of who is not signed in. */
export function SessionPages() {
  const [first] = route.value.path;
  return first === 'register' ? html`<${Register} />` : html`<${SignIn} />`;
}

function SignIn() {
  return html`<${Card} title=${t('sign-in.title')}>
    <${Form} action=${t('sign-in.action')} onSubmit=${({ email, password }) => chat.auth.login({ email, password })}>
      <${Field} name="email" label=${t('field.email')} type="email" autocomplete="username" required autofocus />
      <${Field} name="password" label=${t('field.password')} type="password" autocomplete="current-password" required />
    <//>
    <p class="card-more"><a href="#/register">${t('register.title')}</a></p>
  <//>`;
}

function Register() {
  return html`<${Card} title=${t('register.title')}>
    <${Form} action=${t('register.action')} onSubmit=${({ email, password }) => chat.auth.register({ email, password })}>
      <${Field} name="email" label=${t('field.email')} type="email" autocomplete="username" required autofocus />
      <${Field} name="password" label=${t('field.password')} type="password" autocomplete="new-password" required />
    <//>
    <p class="card-more"><a href="#/sign-in">${t('sign-in.title')}</a></p>
  <//>`;
}
