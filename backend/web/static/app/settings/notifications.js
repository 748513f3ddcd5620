import { notificationsEnabled, setNotificationsEnabled } from '../notifications.js';
import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Checkbox } from '../ui/form.js';
import { Section } from './section.js';

/** Whether this browser tells of new messages. */
export function Notifications() {
  const [isDenied, setDenied] = useState(false);
  const change = async ({ target }) => {
    const isWanted = target.checked;
    const isOn = await setNotificationsEnabled(isWanted);
    target.checked = isOn;
    setDenied(isOn !== isWanted);
  };
  if (!('Notification' in window)) {
    return html`<${Section} title=${t('notify.title')}><p class="setting-note">${t('notify.unable')}</p><//>`;
  }
  return html`<${Section} title=${t('notify.title')} text=${t('notify.text')}>
    <${Checkbox}
      name="desktop"
      label=${t('notify.desktop')}
      hint=${t('notify.desktop-hint')}
      isSwitch
      checked=${notificationsEnabled.value}
      onChange=${change}
    />
    ${isDenied && html`<p class="field-error" role="alert">${t('notify.denied')}</p>`}
  <//>`;
}
