import { api, chat, me } from '../chat.js';
import { nameOf } from '../people.js';
import { html, useState } from '../preact.js';
import { go } from '../router.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Form } from '../ui/form.js';
import { lazy } from '../ui/lazy.js';
import { Card } from './card.js';
import { RegisterForm } from './register.js';
import { HAS_TEXTS, REGISTRATION } from './server.js';
import { FactorCard, SignInForm } from './sign-in.js';

const SignInByText = lazy(() => import('./sign-in-by-text.js').then((module) => module.SignInByText));

/** Joins the room of an invite, after signing in or registering where that is needed, and opens it. */
export function JoinPage({ secret }) {
  const [isNew, setNew] = useState(REGISTRATION !== 'closed');
  const [account, setAccount] = useState(null);
  const [isByText, setByText] = useState(false);
  // A new account joins by its registration, so that it is not asked whether to join as well.
  const [isRegistering, setRegistering] = useState(false);
  const join = async () => {
    const room = await api.post('/api/rooms/join', { code: secret });
    open(room);
  };
  if (me.value && !isRegistering) {
    return html`<${Card} title=${t('link.join.title')} lead=${t('link.join.lead', { name: nameOf(me.value) })}>
      <${Form} action=${t('link.join.action')} onSubmit=${join} />
      <p class="card-more"><a href="#/">${t('link.later')}</a></p>
    <//>`;
  }
  if (account) {
    return html`<${FactorCard} onCode=${(code) => chat.auth.login({ ...account, totp_code: code })} onBack=${() => setAccount(null)} />`;
  }
  if (isByText) return html`<${SignInByText} onPassword=${() => setByText(false)} />`;
  const register = async (fields) => {
    setRegistering(true);
    try {
      await chat.auth.register(fields);
      const [room] = await api.get('/api/rooms?mine=true');
      if (room) open(room);
    } finally {
      setRegistering(false);
    }
  };
  return html`<${Card} title=${t('link.join.title')} lead=${t(isNew ? 'link.join.register' : 'link.join.sign-in')}>
    ${isNew ? html`<${RegisterForm} invite=${secret} register=${register} />` : html`<${SignInForm} onFactor=${setAccount} />`}
    ${
      HAS_TEXTS &&
      !isNew &&
      html`<div class="card-more">
        <${Button} icon="phone" class="session-other" onClick=${() => setByText(true)}>${t('sign-in.by-text')}<//>
      </div>`
    }
    ${
      REGISTRATION !== 'closed' &&
      html`<p class="card-more">
        ${t(isNew ? 'register.has-account' : 'sign-in.no-account')}
        <${Button} kind="quiet" size="small" onClick=${() => setNew(!isNew)}>${t(isNew ? 'sign-in.title' : 'register.title')}<//>
      </p>`
    }
  <//>`;
}

/** Show a room in place of this page, to which nobody needs to go back. */
function open(room) {
  go(['c', room.conversation_id], undefined, { replace: true });
}
