import '../text/en-account.js';
import { me } from '../chat.js';
import { nameOf } from '../people.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { showDialog } from '../ui/dialog.js';
import { Icon } from '../ui/icon.js';
import { lazy } from '../ui/lazy.js';
import { SectionsPage } from '../ui/sections.js';
import { SignOutDialog } from './sign-out.js';

const SECTIONS = {
  profile: { icon: 'person', Page: lazy(() => import('./profile.js').then((module) => module.Profile)) },
  appearance: { icon: 'sun', Page: lazy(() => import('./appearance.js').then((module) => module.Appearance)) },
  notifications: { icon: 'bell', Page: lazy(() => import('./notifications.js').then((module) => module.Notifications)) },
  security: { icon: 'lock', Page: lazy(() => import('./security.js').then((module) => module.Security)) },
  devices: { icon: 'phone', Page: lazy(() => import('./devices.js').then((module) => module.Devices)) },
  tokens: { icon: 'key', Page: lazy(() => import('./tokens.js').then((module) => module.Tokens)) },
  blocked: { icon: 'shield', Page: lazy(() => import('./blocked.js').then((module) => module.Blocked)) },
  data: { icon: 'archive', Page: lazy(() => import('./data.js').then((module) => module.Data)) },
};
for (const [name, section] of Object.entries(SECTIONS)) section.title = t(`settings.${name}`);

/** The settings of the user and of this device. */
export function SettingsPage({ path }) {
  const head = html`<div class="settings-me">
    <${Avatar} user=${me.value} size="large" />
    <span class="settings-name" dir="auto">${nameOf(me.value)}<small>@${me.value?.username}</small></span>
  </div>`;
  const signOut = () => showDialog((close) => html`<${SignOutDialog} onClose=${close} />`);
  const foot = html`<button type="button" class="settings-link" onClick=${signOut}><${Icon} name="door" />${t('sign-out.title')}</button>`;
  return html`<${SectionsPage} base="settings" title=${t('settings.title')} path=${path} sections=${SECTIONS} head=${head} foot=${foot} />`;
}
