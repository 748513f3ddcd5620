import { api, me } from '../chat.js';
import { html } from '../preact.js';
import { ByPasswordOrText } from '../session/confirm-identity.js';
import { withFreshSession } from '../session/fresh.js';
import { rich, t } from '../text.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/form.js';
import { forgetDevice } from './sign-out.js';

/** Says what the erasure of the account means, and does it. */
export function EraseDialog({ onClose }) {
  const { username } = me.value;
  const erase = async (proof) => {
    await withFreshSession(() => api.delete('/api/users/me', proof));
    onClose();
    await forgetDevice();
  };
  return html`<${Dialog} title=${t('erase.title')} onClose=${() => onClose()}>
    <ul class="consequences">
      ${['profile', 'messages', 'rooms', 'final'].map((each) => html`<li key=${each}>${t(`erase.${each}`)}</li>`)}
    </ul>
    <${ByPasswordOrText}
      action=${t('erase.action')}
      isDanger
      onProof=${erase}
      fields=${html`<${Field}
        name="username"
        label=${rich('erase.type', { username: html`<bdi class="erase-name">${username}</bdi>` })}
        pattern=${username.replace(/[.-]/g, '\\$&')}
        title=${t('erase.type-rule')}
        autocomplete="off"
        autocapitalize="none"
        spellcheck=${false}
        required
      />`}
    />
  <//>`;
}
