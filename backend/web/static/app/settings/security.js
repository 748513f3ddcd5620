import { html } from '../preact.js';
import { t } from '../text.js';
import { Password } from './password.js';
import { Section } from './section.js';
import { SecondFactor } from './second-factor.js';

/** How the account is protected. */
export function Security() {
  return html`<${Section} title=${t('security.password')} text=${t('security.password-text')}><${Password} /><//>
    <${Section} title=${t('factor.name')} text=${t('factor.text')}><${SecondFactor} /><//>`;
}
