import { me } from '../chat.js';
import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { Field } from '../ui/form.js';

/** A field for a password, which can be shown. With `isNew` it tells what the server accepts. */
export function PasswordField({ name = 'password', label = t('field.password'), isNew = false, ...rest }) {
  const [isShown, setShown] = useState(false);
  const rules = isNew
    ? { hint: t('password.hint'), minlength: 8, autocomplete: 'new-password' }
    : { autocomplete: 'current-password' };
  return html`<div class="password-field">
    ${
      // For password managers: whose password this is.
      me.value && html`<input type="text" autocomplete="username" value=${me.value.email} hidden readonly />`
    }
    <${Field} name=${name} label=${label} type=${isShown ? 'text' : 'password'} spellcheck=${false} autocapitalize="none" required ...${rules} ...${rest} />
    <${IconButton}
      icon=${isShown ? 'eye-off' : 'eye'}
      class="password-eye"
      label=${t(isShown ? 'password.hide' : 'password.show')}
      onClick=${() => setShown(!isShown)}
    />
  </div>`;
}
