import { me } from '../chat.js';
import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { CopyButton } from '../ui/copy.js';
import { Dialog } from '../ui/dialog.js';
import { Checkbox, Field, Form } from '../ui/form.js';

const DAY = 86_400_000;
const LIFETIMES = ['30', '90', '365', ''];

/**
 * Makes an API token, and shows its secret once. `onClose` gets the token, without the secret.
 * @param {{create: (body: any) => Promise<any>, onClose: (token?: any) => void}} props
 */
export function NewTokenDialog({ create, onClose }) {
  const [made, setMade] = useState(null);
  const scopes = ['read', 'write', ...(me.value.is_superuser ? ['admin', 'health'] : [])];
  const submit = async ({ name, days, ...fields }) => {
    setMade(
      await create({
        name: name.trim(),
        scopes: scopes.filter((scope) => fields[scope]),
        expires_at: days ? new Date(Date.now() + Number(days) * DAY).toISOString() : null,
      }),
    );
  };
  if (made) {
    const { token: secret, ...token } = made;
    return html`<${Dialog}
      key="made"
      title=${t('tokens.made')}
      onClose=${() => onClose(token)}
      footer=${html`<${Button} kind="primary" onClick=${() => onClose(token)}>${t('tokens.done')}<//>`}
    >
      <p class="dialog-lead">${t('tokens.made-text')}</p>
      <code class="secret" dir="ltr">${secret}</code>
      <div class="form-actions"><${CopyButton} text=${secret} autofocus /></div>
    <//>`;
  }
  return html`<${Dialog} key="new" title=${t('tokens.new')} onClose=${() => onClose()}>
    <${Form} action=${t('tokens.create')} onSubmit=${submit}>
      <${Field} name="name" label=${t('tokens.name')} hint=${t('tokens.name-hint')} maxlength="100" autocomplete="off" required autofocus />
      <fieldset class="field scopes">
        <legend class="field-label">${t('tokens.scopes')}</legend>
        ${scopes.map(
          (scope) =>
            html`<${Checkbox} key=${scope} name=${scope} label=${t(`tokens.may.${scope}`)} defaultChecked=${scope === 'read'} />`,
        )}
      </fieldset>
      <${Field}
        name="days"
        label=${t('tokens.lifetime')}
        options=${LIFETIMES.map((value) => ({ value, label: value ? t('tokens.days', { count: Number(value) }) : t('tokens.no-end') }))}
      />
    <//>
  <//>`;
}
