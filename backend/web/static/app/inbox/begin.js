import { html } from '../preact.js';
import { href } from '../router.js';
import { hasDirectory, mayCreateRooms } from '../session/server.js';
import { t } from '../text.js';
import { Icon } from '../ui/icon.js';
import { createRoom, writeToSomebody } from './new-menu.js';

/** The ways to begin, for who has no conversation but the lobby. */
export function Begin() {
  return html`<section class="begin">
    <h2 class="inbox-heading">${t('begin.title')}</h2>
    <a class="begin-way" href=${href(['rooms'])}><${Way} icon="compass" name="browse" /></a>
    ${hasDirectory() && html`<button type="button" class="begin-way" onClick=${writeToSomebody}><${Way} icon="edit" name="write" /></button>`}
    ${mayCreateRooms() && html`<button type="button" class="begin-way" onClick=${createRoom}><${Way} icon="plus" name="create" /></button>`}
  </section>`;
}

function Way({ icon, name }) {
  return html`<span class="avatar avatar-sign"><${Icon} name=${icon} /></span>
    <span class="inbox-row-text">
      <span class="inbox-row-name">${t(`begin.${name}.title`)}</span>
      <span class="begin-text">${t(`begin.${name}.text`)}</span>
    </span>`;
}
