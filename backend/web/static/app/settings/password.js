import { api, me } from '../chat.js';
import { html, useState } from '../preact.js';
import { withFreshSession } from '../session/fresh.js';
import { PasswordField } from '../session/password-field.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Checkbox, Form } from '../ui/form.js';
import { toast } from '../ui/toast.js';

/** Changes the password, or sets the first one of an account that signs in with codes by text. */
export function Password() {
  const [isOpen, setOpen] = useState(false);
  const [isFirst, setFirst] = useState(!me.value.email);
  const submit = async ({ current_password: current, new_password: password, revoke }) => {
    const body = { current_password: isFirst ? undefined : current, new_password: password, revoke };
    await withFreshSession(() => api.post('/api/auth/change-password', body));
    setOpen(false);
    setFirst(false);
    toast(t('security.password-changed'), { kind: 'success' });
  };
  const action = t(isFirst ? 'security.set-password' : 'security.change-password');
  if (!isOpen) return html`<${Button} icon="lock" onClick=${() => setOpen(true)}>${action}<//>`;
  return html`<${Form}
    key=${isFirst}
    action=${action}
    secondary=${html`<${Button} onClick=${() => setOpen(false)}>${t('action.cancel')}<//>
      ${
        // The server does not tell whether an account that signs in by text has a password as well.
        me.value.mobile_verified &&
        html`<${Button} kind="quiet" onClick=${() => setFirst(!isFirst)}>${t(isFirst ? 'security.has-password' : 'security.no-password')}<//>`
      }`}
    onSubmit=${submit}
  >
    ${!isFirst && html`<${PasswordField} name="current_password" label=${t('security.current-password')} autofocus />`}
    <${PasswordField} name="new_password" label=${t('field.new-password')} isNew autofocus=${isFirst} />
    <${Checkbox} name="revoke" label=${t('security.revoke')} hint=${t('security.revoke-hint')} />
  <//>`;
}
