import { api } from '../chat.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { CopyButton } from '../ui/copy.js';
import { Dialog } from '../ui/dialog.js';
import { Field, Form } from '../ui/form.js';

/**
 * Gives the secret to an authenticator app, and switches the second factor on with a code of the app.
 * @param {{secret: {secret: string, uri: string, qr_code: string}, onCodes: (codes: string[]) => void, onClose: () => void}} props
 */
export function EnrolDialog({ secret, onCodes, onClose }) {
  const submit = async (fields) => {
    const answer = await api.post('/api/auth/totp/confirm', { totp_code: fields.totp_code.replace(/\s/g, '') });
    onClose();
    onCodes(answer.recovery_codes);
  };
  return html`<${Dialog} title=${t('factor.enable')} onClose=${() => onClose()}>
    <div class="enrol">
      <img class="qr-code" src=${secret.qr_code} alt=${t('factor.qr-code')} width="192" height="192" />
      <div class="enrol-steps">
        <p>${t('factor.scan')}</p>
        <p class="field-hint">${t('factor.type')}</p>
        <code class="secret" dir="ltr">${secret.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code>
        <div class="form-actions">
          <${CopyButton} text=${secret.secret} label=${t('factor.copy-secret')} />
          <a href=${secret.uri}>${t('factor.open-app')}</a>
        </div>
      </div>
    </div>
    <${Form} action=${t('factor.enable-action')} onSubmit=${submit}>
      <${Field}
        name="totp_code"
        label=${t('factor.first-code')}
        hint=${t('factor.code-hint')}
        class="input code-input"
        inputmode="numeric"
        autocomplete="one-time-code"
        required
        autofocus
      />
    <//>
  <//>`;
}
