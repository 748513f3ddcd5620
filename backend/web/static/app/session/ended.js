// Whether the session ended without a sign-out on this page, which the sign-in page tells.

import { chat, me } from '../chat.js';
import { effect, signal } from '../preact.js';
import { closeDialogs } from '../ui/dialog.js';

/** Whether who was signed in is so no longer, and did not ask for that here. */
export const hasEnded = signal(false);

let isLeaving = false;
let wasSignedIn = false;

effect(() => {
  const isSignedIn = Boolean(me.value);
  if (isSignedIn) hasEnded.value = false;
  else if (wasSignedIn) {
    hasEnded.value = !isLeaving;
    closeDialogs();
  }
  wasSignedIn = isSignedIn;
});

/** Sign out. With `forget`, nothing of the user stays on the device. @param {{forget?: boolean}} [options] */
export async function signOut(options) {
  isLeaving = true;
  try {
    await chat.auth.logout(options);
  } finally {
    isLeaving = false;
  }
}
