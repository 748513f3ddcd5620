import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { signOut } from '../session/ended.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { toastError } from '../ui/toast.js';

/** Asks what of the account stays on this device, and signs out. */
export function SignOutDialog({ onClose }) {
  const [busy, setBusy] = useState('');
  const leave = (kind, action) => async () => {
    setBusy(kind);
    try {
      await action();
      onClose();
    } catch (error) {
      toastError(error);
    } finally {
      setBusy('');
    }
  };
  return html`<${Dialog} title=${t('sign-out.title')} size="small" onClose=${() => onClose()}>
    <div class="sign-out">
      <${Button} kind="primary" autofocus isBusy=${busy === 'out'} disabled=${Boolean(busy)} onClick=${leave('out', () => signOut())}>
        ${t('sign-out.action')}
      <//>
      <p>${t('sign-out.text')}</p>
      <${Button} kind="danger" isBusy=${busy === 'forget'} disabled=${Boolean(busy)} onClick=${leave('forget', forgetDevice)}>
        ${t('sign-out.forget')}
      <//>
      <p>${t('sign-out.forget-text')}</p>
    </div>
  <//>`;
}

/** Sign out, delete everything that the page keeps on this device, and begin anew, so that nothing of it is in memory either. */
export async function forgetDevice() {
  await signOut({ forget: true });
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith('confab ')) localStorage.removeItem(key);
  } catch {} // no storage: nothing is kept
  history.replaceState(null, '', '/');
  location.reload();
}
