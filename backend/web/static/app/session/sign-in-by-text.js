import { chat } from '../chat.js';
import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Card } from './card.js';
import { REGISTRATION } from './server.js';
import { FactorCard } from './sign-in.js';
import { CodeForm, NumberForm } from './text-code.js';

/**
 * Asks for a telephone number, for the code that is sent to it, and for the second factor where the account has one.
 * @param {{onPassword?: () => void}} props  `onPassword` returns to the password, where that is not the page of the sign-in
 */
export function SignInByText({ onPassword }) {
  const [mobile, setMobile] = useState('');
  const [proof, setProof] = useState(null);
  const signIn = async (code) => {
    try {
      await chat.auth.verifyOtp({ mobile, code });
    } catch (error) {
      if (error.code === 'registration_closed') error.detail = t('text-code.unknown');
      if (error.code !== 'totp_required') throw error;
      setProof({ mobile, code });
    }
  };
  if (proof) {
    return html`<${FactorCard} onCode=${(code) => chat.auth.verifyOtp({ ...proof, totp_code: code })} onBack=${() => setProof(null)} />`;
  }
  if (!mobile) {
    return html`<${Card} title=${t('sign-in.by-text')} lead=${t(REGISTRATION === 'open' ? 'text-code.lead-open' : 'text-code.lead')}>
      <${NumberForm} onSent=${setMobile} />
      <p class="card-more">
        ${
          onPassword
            ? html`<${Button} kind="quiet" size="small" onClick=${onPassword}>${t('sign-in.by-password')}<//>`
            : html`<a href="#/sign-in">${t('sign-in.by-password')}</a>`
        }
      </p>
    <//>`;
  }
  return html`<${Card} title=${t('text-code.title')}>
    <${CodeForm} mobile=${mobile} action=${t('sign-in.action')} onCode=${signIn}>
      <${Button} kind="quiet" size="small" onClick=${() => setMobile('')}>${t('text-code.other-number')}<//>
    <//>
  <//>`;
}
