import { api, chat, me } from '../chat.js';
import { html, useState } from '../preact.js';
import { withFreshSession } from '../session/fresh.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Field, Form } from '../ui/form.js';
import { Icon } from '../ui/icon.js';
import { toast, toastError } from '../ui/toast.js';

/** The email of the account, whether it is confirmed, and how to change it. */
export function Email() {
  const { email, email_verified: isVerified } = me.value;
  const [isEdited, setEdited] = useState(!email);
  const [isMailed, setMailed] = useState(false);
  const resend = async () => {
    try {
      await api.post('/api/auth/resend-verification');
      setMailed(true);
    } catch (error) {
      toastError(error);
    }
  };
  const submit = async (fields) => {
    chat.user.set(await withFreshSession(() => api.patch('/api/users/me', { email: fields.email.trim() })));
    setEdited(false);
    setMailed(false);
    toast(t('profile.email-changed'), { kind: 'success' });
  };
  if (isEdited) {
    const cancel = email && html`<${Button} onClick=${() => setEdited(false)}>${t('action.cancel')}<//>`;
    return html`<${Form} action=${t('action.save')} secondary=${cancel} onSubmit=${submit}>
      <${Field}
        name="email"
        label=${t('profile.new-email')}
        hint=${t('profile.new-email-hint')}
        type="email"
        autocomplete="email"
        required
        autofocus=${Boolean(email)}
      />
    <//>`;
  }
  return html`<div class="setting-line">
      <p class="setting-value"><bdi>${email}</bdi> <${Verified} is=${isVerified} /></p>
      <${Button} size="small" onClick=${() => setEdited(true)}>${t('action.change')}<//>
    </div>
    ${
      !isVerified &&
      html`<div class="setting-line">
        <p class="setting-note" role="status">${t(isMailed ? 'profile.mailed' : 'profile.unverified')}</p>
        ${!isMailed && html`<${Button} size="small" onClick=${resend}>${t('profile.resend')}<//>`}
      </div>`
    }`;
}

/** Says whether an address or a number is confirmed. */
export function Verified({ is }) {
  return html`<span class=${`tag ${is ? 'tag-good' : 'tag-open'}`}><${Icon} name=${is ? 'check' : 'clock'} />${t(is ? 'profile.is-verified' : 'profile.is-unverified')}</span>`;
}
