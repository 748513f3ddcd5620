// Calls that need a fresh session: the user has shown within the last minutes who they are.

import { html } from '../preact.js';
import { showDialog } from '../ui/dialog.js';
import { Cancelled } from '../ui/errors.js';

/**
 * Do what needs a fresh session. Where the server asks for that, the user confirms their identity in a dialog, and it is done again.
 * Rejects with `Cancelled` if the user leaves the dialog; `toastError` and `Form` tell nothing of that.
 * @template T
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function withFreshSession(action) {
  try {
    return await action();
  } catch (error) {
    if (error?.code !== 'reauthentication_required') throw error;
  }
  const { ConfirmIdentity } = await import('./confirm-identity.js');
  const isConfirmed = await showDialog((close) => html`<${ConfirmIdentity} onClose=${close} />`);
  if (!isConfirmed) throw new Cancelled();
  return action();
}
