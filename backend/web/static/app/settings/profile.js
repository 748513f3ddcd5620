import { api, chat, me } from '../chat.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { withFreshSession } from '../session/fresh.js';
import { Field, Form } from '../ui/form.js';
import { toast } from '../ui/toast.js';
import { Email } from './email.js';
import { Mobile } from './mobile.js';
import { Picture } from './picture.js';
import { Section } from './section.js';

const NAMES = ['first_name', 'last_name', 'username', 'bio'];

/** Who the user is for the others, and how they are reached. */
export function Profile() {
  const user = me.value;
  const submit = async (fields) => {
    const changed = NAMES.filter((name) => fields[name].trim() !== (user[name] ?? ''));
    const body = Object.fromEntries(changed.map((name) => [name, fields[name].trim()]));
    if (changed.length) chat.user.set(await withFreshSession(() => api.patch('/api/users/me', body)));
    toast(t('settings.saved'), { kind: 'success' });
  };
  return html`<${Section} title=${t('profile.picture')} text=${t('profile.picture-text')}><${Picture} /><//>
    <${Section} title=${t('profile.about')} text=${t('profile.about-text')}>
      <${Form} action=${t('action.save')} onSubmit=${submit}>
        <div class="field-pair">
          <${Field} name="first_name" label=${t('field.first-name')} defaultValue=${user.first_name ?? ''} autocomplete="given-name" maxlength="100" />
          <${Field} name="last_name" label=${t('field.last-name')} defaultValue=${user.last_name ?? ''} autocomplete="family-name" maxlength="100" />
        </div>
        <${Field}
          name="username"
          label=${t('field.username')}
          hint=${t('profile.username-hint')}
          defaultValue=${user.username}
          autocomplete="off"
          autocapitalize="none"
          spellcheck=${false}
          pattern="[A-Za-z0-9_][A-Za-z0-9_.\\-]*"
          title=${t('profile.username-rule')}
          maxlength="100"
          required
        />
        <${Field} name="bio" label=${t('profile.bio')} hint=${t('profile.bio-hint')} defaultValue=${user.bio ?? ''} rows="3" maxlength="4000" />
      <//>
    <//>
    <${Section} title=${t('field.email')} text=${t('profile.email-text')}><${Email} /><//>
    <${Section} title=${t('field.mobile')} text=${t('profile.mobile-text')}><${Mobile} /><//>`;
}
