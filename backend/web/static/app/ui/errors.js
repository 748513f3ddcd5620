import { formatDuration, t } from '../text.js';

/** The end of something that the user left. It is no failure, so nothing is told of it. */
export class Cancelled extends Error {
  code = 'cancelled';
}

/** What went wrong and what to do, in words for people. @param {any} error @returns {string} */
export function errorText(error) {
  if (error?.code === 'network') return t('error.network.text');
  if (error?.status === 429 && error.retryAfter) return t('error.limit', { time: formatDuration(error.retryAfter) });
  if (error?.code === 'error') return t('error.server');
  return error?.detail ?? t('error.title');
}

/** The names that the field at fault may have, where an error says so by its code alone. */
const FIELDS = {
  email_taken: ['email'],
  invalid_otp: ['code'],
  invalid_password: ['password', 'current_password'],
  invalid_totp: ['totp_code'],
  mobile_taken: ['mobile', 'code'],
  username_taken: ['username'],
};

/** The messages for the fields of a form, by their names. @param {any} error @param {HTMLFormElement} form */
export function fieldErrors(error, form) {
  if (error?.errors) return error.errors;
  const name = FIELDS[error?.code]?.find((each) => form.elements[each]);
  return name ? { [name]: [errorText(error)] } : {};
}
