import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Field, Form } from '../ui/form.js';

/**
 * Asks for the code of the second factor, or for a recovery code in its place.
 * @param {{onCode: (totpCode: string) => Promise<any>, action: string, isDanger?: boolean, children?: any}} props
 */
export function SecondFactorForm({ onCode, action, isDanger, children }) {
  const [isRecovery, setRecovery] = useState(false);
  const kind = isRecovery
    ? { label: t('factor.recovery-code'), hint: t('factor.recovery-hint'), autocomplete: 'off' }
    : { label: t('factor.code'), hint: t('factor.code-hint'), inputmode: 'numeric', autocomplete: 'one-time-code' };
  return html`<${Form} key=${isRecovery} action=${action} isDanger=${isDanger} onSubmit=${({ totp_code: code }) => onCode(code.trim())}>
      <${Field}
        name="totp_code"
        class="input code-input"
        autocapitalize="none"
        spellcheck=${false}
        autofocus
        required
        ...${kind}
      />
    <//>
    <p class="card-more">
      <${Button} kind="quiet" size="small" onClick=${() => setRecovery(!isRecovery)}>
        ${t(isRecovery ? 'factor.use-code' : 'factor.use-recovery')}
      <//>
      ${children}
    </p>`;
}
