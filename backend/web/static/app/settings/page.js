import { me } from '../chat.js';
import { nameOf } from '../people.js';
import { html, useEffect, useRef } from '../preact.js';
import { href } from '../router.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { IconButton } from '../ui/button.js';
import { showDialog } from '../ui/dialog.js';
import { Icon } from '../ui/icon.js';
import { lazy } from '../ui/lazy.js';
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

/** The settings: a list of parts, and one of them. Where there is no room for both, the list comes first. */
export function SettingsPage({ path }) {
  const name = Object.hasOwn(SECTIONS, path[0]) ? path[0] : null;
  const shown = name ?? 'profile';
  const title = t(`settings.${shown}`);
  const { Page } = SECTIONS[shown];
  const content = useRef(null);
  useEffect(() => {
    if (!name) return;
    content.current.scrollTop = 0;
    content.current.focus({ preventScroll: true });
  }, [name]);
  return html`<div class="settings" data-shown=${name ? 'part' : 'list'}>
    <nav class="settings-list" aria-label=${t('settings.title')}>
      <header class="pane-header">
        <${IconButton} icon="back" class="pane-back" label=${t('action.back')} href=${href([])} />
        <h2 class="pane-title pane-heading">${t('settings.title')}</h2>
      </header>
      <div class="settings-links">
        <div class="settings-me">
          <${Avatar} user=${me.value} size="large" />
          <span class="settings-name" dir="auto">${nameOf(me.value)}<small>@${me.value?.username}</small></span>
        </div>
        ${Object.entries(SECTIONS).map(
          ([each, { icon }]) => html`<a
            key=${each}
            class="settings-link"
            href=${href(['settings', each])}
            aria-current=${each === name || (!name && each === 'profile') ? 'page' : undefined}
          >
            <${Icon} name=${icon} />${t(`settings.${each}`)}
          </a>`,
        )}
        <button type="button" class="settings-link" onClick=${() => showDialog((close) => html`<${SignOutDialog} onClose=${close} />`)}>
          <${Icon} name="door" />${t('sign-out.title')}
        </button>
      </div>
    </nav>
    <div class="settings-part" ref=${content} tabindex="-1">
      <header class="pane-header">
        <${IconButton} icon="back" class="settings-back" label=${t('action.back')} href=${href(['settings'])} />
        <h2 class="pane-title pane-heading">${title}</h2>
      </header>
      <div class="page"><div class="settings-content"><${Page} key=${shown} /></div></div>
    </div>
  </div>`;
}
