// Whether the session ended without a sign-out on this page, which the sign-in page tells.

import { chat, me } from '../chat.js';
import { effect, signal } from '../preact.js';
import { go } from '../router.js';
import { closeDialogs } from '../ui/dialog.js';

/** Whether who was signed in is so no longer, and did not ask for that here. */
export const hasEnded = signal(false);

/** What must be done while the session lasts; signing out waits for it. @type {Set<() => Promise<any>>} */
export const beforeSignOut = new Set();

let isLeaving = false;
let wasSignedIn = false;
let lastId = 0;

effect(() => {
  const isSignedIn = Boolean(me.value);
  // What the parts of the page remember, such as drafts and blocks, is of the user before.
  if (isSignedIn && lastId && me.value.id !== lastId) location.reload();
  lastId = me.value?.id ?? lastId;
  if (isSignedIn) hasEnded.value = false;
  else if (wasSignedIn) {
    hasEnded.value = !isLeaving;
    closeDialogs();
    if (isLeaving) go([], undefined, { replace: true }); // the next user need not see where this one was
  }
  wasSignedIn = isSignedIn;
});

/** Sign out. With `forget`, nothing of the user stays on the device. @param {{forget?: boolean}} [options] */
export async function signOut(options) {
  isLeaving = true;
  try {
    await Promise.allSettled([...beforeSignOut].map((finish) => finish()));
    await chat.auth.logout(options);
  } finally {
    isLeaving = false;
  }
}
