import { api } from '../chat.js';
import { html } from '../preact.js';
import { go } from '../router.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Form } from '../ui/form.js';
import { Card } from './card.js';
import { PasswordField } from './password-field.js';

/** Sets a new password with the link of a mail. */
export function ResetPage({ secret, outcome }) {
  const show = (result) => go(['reset', result], undefined, { replace: true });
  const submit = async ({ password }) => {
    try {
      await api.post('/api/auth/reset-password', { token: secret, password });
      show('done');
    } catch (error) {
      if (error.code !== 'invalid_token') throw error;
      show('dead');
    }
  };
  if (outcome === 'done') {
    return html`<${Card} title=${t('link.reset.done')} lead=${t('link.reset.done-text')}>
      <${Button} kind="primary" href="#/sign-in">${t('sign-in.title')}<//>
    <//>`;
  }
  if (outcome === 'dead') {
    return html`<${Card} title=${t('link.dead.title')} lead=${t('link.dead.text')}>
      <${Button} kind="primary" href="#/forgot">${t('link.dead.action')}<//>
    <//>`;
  }
  return html`<${Card} title=${t('link.reset.title')} lead=${t('link.reset.lead')}>
    <${Form} action=${t('link.reset.action')} onSubmit=${submit}>
      <${PasswordField} isNew label=${t('field.new-password')} autofocus />
    <//>
  <//>`;
}
