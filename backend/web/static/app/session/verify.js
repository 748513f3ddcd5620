import { api, chat, me } from '../chat.js';
import { html, useState } from '../preact.js';
import { go } from '../router.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Form } from '../ui/form.js';
import { Card } from './card.js';
import { PasswordField } from './password-field.js';

/** Confirms an email address: at once in a session of the account, else with its password. */
export function VerifyPage({ secret, outcome }) {
  const [isPasswordAsked, setPasswordAsked] = useState(false);
  const needsPassword = !me.value || isPasswordAsked;
  const submit = async ({ password }) => {
    try {
      await api.post('/api/auth/verify-email', { token: secret, password });
    } catch (error) {
      // The link is of another account than the session.
      if (needsPassword || error.code !== 'unauthorized') throw error;
      return setPasswordAsked(true);
    }
    await refreshMe();
    go(['verify', 'done'], undefined, { replace: true });
  };
  if (outcome === 'done') {
    return html`<${Card} title=${t('link.verify.done')} lead=${t('link.verify.done-text')}>
      <${Button} kind="primary" href="#/">${t(me.value ? 'link.open' : 'sign-in.title')}<//>
    <//>`;
  }
  const lead = isPasswordAsked ? 'link.verify.other' : needsPassword ? 'link.verify.password' : 'link.verify.lead';
  return html`<${Card} title=${t('link.verify.title')} lead=${t(lead)}>
    <${Form} action=${t('link.verify.action')} onSubmit=${submit}>
      ${needsPassword && html`<${PasswordField} key=${isPasswordAsked} autofocus />`}
    <//>
    <p class="card-more"><a href="#/">${t('link.later')}</a></p>
  <//>`;
}

/** Show the address as confirmed. If this fails, the next connection brings it. */
async function refreshMe() {
  if (!me.value) return;
  try {
    chat.user.set(await api.get('/api/users/me'));
  } catch {}
}
