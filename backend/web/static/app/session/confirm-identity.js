import '../text/en-account.js';
import { api, me } from '../chat.js';
import { html, useEffect, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Form } from '../ui/form.js';
import { Failure, Loading } from '../ui/states.js';
import { PasswordField } from './password-field.js';
import { SecondFactorForm } from './second-factor.js';
import { CodeForm, NumberKnown } from './text-code.js';

/** The dialog in which the user confirms their identity. `onClose` gets true afterwards, and nothing if the user leaves it. */
export function ConfirmIdentity({ onClose }) {
  const [factor, setFactor] = useState(null);
  const [failure, setFailure] = useState(null);
  const load = () => {
    setFailure(null);
    api.get('/api/auth/totp').then(setFactor, setFailure);
  };
  useEffect(load, []);
  const confirm = async (proof) => {
    await api.post('/api/auth/confirm', proof);
    onClose(true);
  };
  let content = html`<${Loading} />`;
  if (failure) content = html`<${Failure} error=${failure} retry=${load} />`;
  else if (factor) {
    content = factor.is_enabled
      ? html`<${SecondFactorForm} action=${t('action.confirm')} onCode=${(code) => confirm({ totp_code: code })} />`
      : html`<${ByPasswordOrText} onProof=${confirm} action=${t('action.confirm')} />`;
  }
  return html`<${Dialog} title=${t('confirm.title')} size="small" onClose=${() => onClose()}>
    <p class="dialog-lead">${t('confirm.lead')}</p>
    ${content}
  <//>`;
}

/**
 * Asks for the password, or for a code by text where the account has a verified number.
 * @param {{onProof: (proof: {password?: string, code?: string}, fields: any) => Promise<any>, action: string, isDanger?: boolean, fields?: any}} props
 *   `fields` are further fields, whose values `onProof` gets as well
 */
export function ByPasswordOrText({ onProof, action, isDanger, fields }) {
  const { mobile, mobile_verified: hasNumber, email } = me.value;
  // An account of a number alone has no password.
  const [isByText, setByText] = useState(Boolean(hasNumber && !email));
  const [isSent, setSent] = useState(false);
  const other =
    hasNumber &&
    html`<${Button} kind="quiet" size="small" onClick=${() => setByText(!isByText)}>
      ${t(isByText ? 'confirm.by-password' : 'confirm.by-text')}
    <//>`;
  if (isByText && !isSent) return html`<${NumberKnown} mobile=${mobile} onSent=${() => setSent(true)}>${other}<//>`;
  if (isByText) {
    return html`<${CodeForm}
      mobile=${mobile}
      action=${action}
      isDanger=${isDanger}
      fields=${fields}
      onCode=${(code, rest) => onProof({ code }, rest)}
    >
      ${other}
    <//>`;
  }
  return html`<${Form} action=${action} isDanger=${isDanger} onSubmit=${({ password, ...rest }) => onProof({ password }, rest)}>
      <${PasswordField} autofocus />
      ${fields}
    <//>
    ${other && html`<p class="card-more">${other}</p>`}`;
}
