import { api } from '../chat.js';
import { html, useEffect, useState } from '../preact.js';
import { formatDuration, rich, t } from '../text.js';
import { Button } from '../ui/button.js';
import { errorText } from '../ui/errors.js';
import { Field, Form } from '../ui/form.js';

const PAUSE = 30;

/** The number as the server takes it. @param {string} typed */
const international = (typed) => typed.trim().replace(/^00/, '+');

/** Asks for a telephone number, and sends a code to it. @param {{action?: string, onSent: (mobile: string) => void, children?: any}} props */
export function NumberForm({ action = t('text-code.send'), onSent, children }) {
  const submit = async ({ mobile }) => {
    await api.post('/api/auth/send-otp', { mobile: international(mobile) });
    onSent(international(mobile));
  };
  return html`<${Form} action=${action} onSubmit=${submit} secondary=${children}>
    <${Field} name="mobile" label=${t('field.mobile')} hint=${t('text-code.number-hint')} type="tel" autocomplete="tel" dir="ltr" required autofocus />
  <//>`;
}

/** Sends a code to a number that is known. @param {{mobile: string, onSent: () => void, children?: any}} props */
export function NumberKnown({ mobile, onSent, children }) {
  const submit = async () => {
    await api.post('/api/auth/send-otp', { mobile });
    onSent();
  };
  return html`<${Form} action=${t('text-code.send')} onSubmit=${submit} secondary=${children}>
    <p>${rich('text-code.to', { mobile: html`<bdi dir="ltr" class="session-number">${mobile}</bdi>` })}</p>
  <//>`;
}

/**
 * Asks for the code that was sent to a number, and sends another one after a while.
 * @param {{mobile: string, action: string, isDanger?: boolean, onCode: (code: string) => Promise<any>, children?: any, fields?: any}} props
 *   `children` stand beside the ways to go on; `fields` are further fields, whose values `onCode` gets as well
 */
export function CodeForm({ mobile, action, isDanger, onCode, children, fields }) {
  const [wait, setWait] = useCountdown(PAUSE);
  const [failure, setFailure] = useState('');
  const resend = async () => {
    setFailure('');
    setWait(PAUSE);
    try {
      await api.post('/api/auth/send-otp', { mobile });
    } catch (error) {
      setWait(error.retryAfter ?? 0);
      setFailure(errorText(error));
    }
  };
  return html`<${Form} action=${action} isDanger=${isDanger} onSubmit=${({ code, ...rest }) => onCode(code.replace(/\D/g, ''), rest)}>
      <p>${rich('text-code.sent', { mobile: html`<bdi dir="ltr" class="session-number">${mobile}</bdi>` })}</p>
      <${Field}
        name="code"
        label=${t('text-code.code')}
        class="input code-input"
        inputmode="numeric"
        autocomplete="one-time-code"
        pattern="\\s*([0-9]\\s*){6}"
        title=${t('text-code.six-digits')}
        required
        autofocus
      />
      ${fields}
    <//>
    <p class="card-more">
      <${Button} kind="quiet" size="small" disabled=${wait > 0} onClick=${resend}>
        ${wait > 0 ? t('text-code.resend-in', { time: formatDuration(wait) }) : t('text-code.resend')}
      <//>
      ${children}
    </p>
    ${failure && html`<p class="field-error" role="alert">${failure}</p>`}`;
}

/** Seconds that run down to 0, and how to set them. @param {number} start @returns {[number, (seconds: number) => void]} */
function useCountdown(start) {
  const [end, setEnd] = useState(() => Date.now() + start * 1000);
  const [now, setNow] = useState(Date.now);
  const left = Math.max(0, Math.ceil((end - now) / 1000));
  useEffect(() => {
    if (!left) return;
    const clock = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(clock);
  }, [left > 0]);
  const set = (seconds) => {
    setNow(Date.now());
    setEnd(Date.now() + seconds * 1000);
  };
  return [left, set];
}
