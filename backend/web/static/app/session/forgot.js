import { api } from '../chat.js';
import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Field, Form } from '../ui/form.js';
import { Card } from './card.js';

/** Has a link for a new password mailed. The words are the same whether there is such an account or not. */
export function ForgotPassword() {
  const [email, setEmail] = useState('');
  const submit = async (fields) => {
    await api.post('/api/auth/forgot-password', fields);
    setEmail(fields.email);
  };
  if (email) {
    return html`<${Card} title=${t('forgot.sent.title')} lead=${t('forgot.sent.text', { email })}>
      <div class="form-actions">
        <${Button} kind="primary" href="#/sign-in">${t('forgot.back')}<//>
        <${Button} kind="quiet" onClick=${() => setEmail('')}>${t('forgot.again')}<//>
      </div>
    <//>`;
  }
  return html`<${Card} title=${t('forgot.title')} lead=${t('forgot.lead')}>
    <${Form} action=${t('forgot.action')} onSubmit=${submit}>
      <${Field} name="email" label=${t('field.email')} type="email" autocomplete="username" required autofocus />
    <//>
    <p class="card-more"><a href="#/sign-in">${t('forgot.back')}</a></p>
  <//>`;
}
