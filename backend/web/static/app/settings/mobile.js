import { api, chat, me } from '../chat.js';
import { html, useState } from '../preact.js';
import { withFreshSession } from '../session/fresh.js';
import { HAS_TEXTS } from '../session/server.js';
import { CodeForm, NumberForm } from '../session/text-code.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { toast } from '../ui/toast.js';
import { Verified } from './email.js';

/** The number of the account, and how to set it: with a code that is sent to it. */
export function Mobile() {
  const { mobile, mobile_verified: isVerified } = me.value;
  // Null: nothing is changed. Empty: the number is asked for. Else a code was sent to it.
  const [number, setNumber] = useState(null);
  const verify = async (code) => {
    const { user } = await withFreshSession(() => api.post('/api/auth/verify-otp', { mobile: number, code }));
    chat.user.set(user);
    setNumber(null);
    toast(t('profile.mobile-changed'), { kind: 'success' });
  };
  const cancel = html`<${Button} kind=${number && 'quiet'} size=${number && 'small'} onClick=${() => setNumber(null)}>${t('action.cancel')}<//>`;
  if (number) return html`<${CodeForm} mobile=${number} action=${t('action.confirm')} onCode=${verify}>${cancel}<//>`;
  if (number === '') return html`<${NumberForm} onSent=${setNumber}>${cancel}<//>`;
  if (!mobile && !HAS_TEXTS) return html`<p class="setting-note">${t('profile.no-texts')}</p>`;
  return html`<div class="setting-line">
    <p class="setting-value">
      ${mobile ? html`<bdi dir="ltr">${mobile}</bdi> <${Verified} is=${isVerified} />` : t('profile.no-mobile')}
    </p>
    ${HAS_TEXTS && html`<${Button} size="small" onClick=${() => setNumber('')}>${t(mobile ? 'action.change' : 'profile.add-mobile')}<//>`}
  </div>`;
}
