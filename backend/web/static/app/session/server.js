// What the server's settings allow, as it wrote them into the page.

const { registration = 'open', sms = 'on' } = document.documentElement.dataset;

/** Who may register: `open` (anybody), `invite` (with the invite of a room) or `closed` (nobody). */
export const REGISTRATION = registration;
/** Whether the server sends codes by text. */
export const HAS_TEXTS = sms !== 'off';
