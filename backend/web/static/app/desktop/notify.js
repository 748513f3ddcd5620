import { chat, conversationSignals, me, state } from '../chat.js';
import { nameOf, person, titleOf } from '../people.js';
import { goToConversation } from '../router.js';
import { t } from '../text.js';

const LATE = 300_000;
const LENGTH = 200;
const PATIENCE = 2000;

/** Held by each tab that is in front: none tells of messages then. */
const FRONT = 'confab front';
/** Held by the one tab that tells. */
const TELLER = 'confab teller';

/** Tell of new messages by notifications of the desktop, in one tab of the browser. Returns what ends it. */
export function startTelling() {
  const end = new AbortController();
  const { signal } = end;
  let isTeller = !navigator.locks; // the tabs agree by locks, which are there where the page is served securely
  let leaveFront = null;
  void hold(TELLER, 'exclusive', signal).then(() => {
    isTeller = true;
  });
  const follow = () => {
    if (document.hasFocus()) leaveFront ??= holdWhile(FRONT);
    else {
      leaveFront?.();
      leaveFront = null;
    }
  };
  for (const name of ['focus', 'blur']) addEventListener(name, follow, { signal });
  follow();
  const unsubscribe = chat.on('message', async (message) => {
    if (isTeller && isForMe(message) && !(await isInFront())) await show(message);
  });
  return () => {
    unsubscribe();
    leaveFront?.();
    end.abort();
  };
}

/** Hold a lock until `signal` ends it. Resolves as soon as it is held. */
function hold(name, mode, signal) {
  return new Promise((resolve) => {
    const held = () =>
      new Promise((release) => {
        resolve(undefined);
        signal.addEventListener('abort', release);
      });
    navigator.locks?.request(name, { mode, signal }, held).catch(() => {}); // ended before it was held
  });
}

/** Hold a shared lock. Returns what lets it go. */
function holdWhile(name) {
  const end = new AbortController();
  void hold(name, 'shared', end.signal);
  return () => end.abort();
}

async function isInFront() {
  if (document.hasFocus() || !navigator.locks) return document.hasFocus();
  const { held } = await navigator.locks.query();
  return held.some(({ name }) => name === FRONT);
}

/**
 * A direct message, or one that mentions the user, in a conversation that is not muted. What came while the device was away is
 * told if it is recent by the clock of the device, which may be wrong.
 */
function isForMe(message) {
  const { id } = me.value ?? {};
  const isRecent = state.peek().status === 'live' || Date.now() - new Date(message.created_at).getTime() < LATE;
  if (message.sender_id === id || !isRecent) return false;
  if (conversationSignals(message.conversation_id).info.value?.is_muted) return false;
  return message.recipient_id === id || message.mentions_room || message.mentions.includes(id);
}

/** Who it is, also where that has to be looked up first. @param {number} id */
function known(id) {
  const user = person(id);
  return new Promise((resolve) => {
    const unsubscribe = user.subscribe((value) => value && resolve(value));
    setTimeout(() => {
      unsubscribe();
      resolve(user.peek());
    }, PATIENCE);
  });
}

async function show(message) {
  const name = nameOf(await known(message.sender_id));
  const row = conversationSignals(message.conversation_id).info.value;
  const title = row && row.kind !== 'dm' ? t('notification.title', { name, conversation: titleOf(row) }) : name;
  const body = message.content.slice(0, LENGTH) || t('message.files', { count: message.attachments.length });
  let notification;
  try {
    notification = new Notification(title, { body, tag: message.conversation_id, icon: '/static/logo.svg' });
  } catch {
    return; // phones show notifications by a push service alone
  }
  notification.addEventListener('click', () => {
    notification.close();
    window.focus();
    goToConversation(message.conversation_id, { seq: message.seq });
  });
}
