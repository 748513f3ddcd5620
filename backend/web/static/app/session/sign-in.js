import { chat } from '../chat.js';
import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Field, Form } from '../ui/form.js';
import { Card } from './card.js';
import { hasEnded } from './ended.js';
import { PasswordField } from './password-field.js';
import { SecondFactorForm } from './second-factor.js';
import { HAS_TEXTS, REGISTRATION } from './server.js';

/** Asks for email or username and password, then for the second factor where the account has one. */
export function SignIn() {
  const [account, setAccount] = useState(null);
  if (account) {
    return html`<${FactorCard} onCode=${(code) => chat.auth.login({ ...account, totp_code: code })} onBack=${() => setAccount(null)} />`;
  }
  return html`<${Card} title=${t('sign-in.title')} note=${hasEnded.value && t('sign-in.ended')}>
    <${SignInForm} onFactor=${setAccount} />
    <div class="card-more">
      ${HAS_TEXTS && html`<${Button} href="#/sign-in/text" icon="phone" class="session-other">${t('sign-in.by-text')}<//>`}
      ${REGISTRATION !== 'closed' && html`<p>${t('sign-in.no-account')} <a href="#/register">${t('register.title')}</a></p>`}
    </div>
  <//>`;
}

/**
 * The form of email or username and password.
 * @param {{onFactor: (account: any) => void}} props  `onFactor` gets the body of the request, to be repeated with a code
 */
export function SignInForm({ onFactor }) {
  const submit = async ({ name, password }) => {
    const account = { [name.includes('@') ? 'email' : 'username']: name.trim(), password };
    try {
      await chat.auth.login(account);
    } catch (error) {
      if (error.code !== 'totp_required') throw error;
      onFactor(account);
    }
  };
  return html`<${Form} action=${t('sign-in.action')} onSubmit=${submit}>
    <${Field}
      name="name"
      label=${t('sign-in.name')}
      autocomplete="username"
      autocapitalize="none"
      spellcheck=${false}
      inputmode="email"
      required
      autofocus
    />
    <${PasswordField} />
    <a class="session-forgot" href="#/forgot">${t('forgot.link')}</a>
  <//>`;
}

/** The second step of a sign-in. */
export function FactorCard({ onCode, onBack }) {
  return html`<${Card} title=${t('factor.title')} lead=${t('factor.lead')}>
    <${SecondFactorForm} action=${t('sign-in.action')} onCode=${onCode}>
      <${Button} kind="quiet" size="small" onClick=${onBack}>${t('action.back')}<//>
    <//>
  <//>`;
}
