import { chat } from '../chat.js';
import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Field, Form } from '../ui/form.js';
import { Empty } from '../ui/states.js';
import { Card } from './card.js';
import { inviteCode } from './invite-code.js';
import { PasswordField } from './password-field.js';
import { REGISTRATION } from './server.js';

/** Makes an account, as far as the server lets people in. */
export function Register() {
  const more = html`<p class="card-more">${t('register.has-account')} <a href="#/sign-in">${t('sign-in.title')}</a></p>`;
  if (REGISTRATION === 'closed') {
    return html`<${Card} title=${t('register.title')}>
      <${Empty} isSmall icon="lock" title=${t('register.closed.title')} text=${t('register.closed.text')}>
        <${Button} href="#/sign-in">${t('sign-in.title')}<//>
      <//>
    <//>`;
  }
  return html`<${Card} title=${t('register.title')}><${RegisterForm} />${more}<//>`;
}

/**
 * The form of a new account. With `invite`, the code of a room, the account becomes a member of it.
 * @param {{invite?: string, register?: (fields: any) => Promise<any>}} props
 */
export function RegisterForm({ invite, register = chat.auth.register }) {
  const [isInviteAsked, setInviteAsked] = useState(REGISTRATION === 'invite' && !invite);
  const submit = async (fields) => {
    const code = invite ?? (fields.invite_code ? inviteCode(fields.invite_code) : undefined);
    try {
      await register({ ...fields, last_name: fields.last_name || null, invite_code: code });
    } catch (error) {
      // The server was changed since it made this page.
      if (error.code === 'registration_closed' && !code) {
        setInviteAsked(true);
        error.detail = t('register.invite-needed');
      }
      throw error;
    }
  };
  return html`<${Form} action=${t('register.action')} onSubmit=${submit}>
    ${
      isInviteAsked &&
      html`<${Field}
        name="invite_code"
        label=${t('register.invite')}
        hint=${t('register.invite-hint')}
        autocomplete="off"
        autocapitalize="none"
        required
        autofocus
      />`
    }
    <div class="field-pair">
      <${Field} name="first_name" label=${t('field.first-name')} autocomplete="given-name" maxlength="100" required autofocus=${!isInviteAsked} />
      <${Field} name="last_name" label=${t('field.last-name')} autocomplete="family-name" maxlength="100" />
    </div>
    <${Field} name="email" label=${t('field.email')} type="email" autocomplete="username" required />
    <${PasswordField} isNew />
  <//>`;
}
