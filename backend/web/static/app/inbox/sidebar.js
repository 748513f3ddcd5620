import { inbox, me } from '../chat.js';
import { nameOf } from '../people.js';
import { html, useComputed } from '../preact.js';
import { href, route } from '../router.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { IconButton } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { Empty } from '../ui/states.js';
import { InboxRow } from './row.js';

/** The inbox and the ways to everything else. */
export function Sidebar() {
  const pinned = useComputed(() => inbox.value.filter((row) => row.is_pinned));
  const others = useComputed(() => inbox.value.filter((row) => !row.is_pinned));
  return html`<nav class="sidebar" aria-label=${t('navigation.conversations')}>
    <header class="sidebar-header">
      <h1 class="sidebar-title"><img src="/static/logo.svg" alt="" width="24" height="24" />Confab</h1>
      <${IconButton} icon="search" label=${t('search.title')} href=${href(['search'])} />
      <${IconButton} icon="plus" label=${t('rooms.create')} href=${href(['rooms'])} />
    </header>
    <div class="sidebar-scroll">
      ${Section({ title: t('inbox.pinned'), rows: pinned.value })}
      ${Section({ title: t('inbox.all'), rows: others.value })}
      ${!inbox.value.length && html`<${Empty} isSmall icon="inbox" title=${t('inbox.empty.title')} text=${t('inbox.empty.text')} />`}
    </div>
    <footer class="sidebar-footer">
      <a class="sidebar-link" href=${href(['rooms'])}><${Icon} name="compass" />${t('rooms.browse')}</a>
      <a class="sidebar-link" href=${href(['people'])}><${Icon} name="people" />${t('people.title')}</a>
      <a class="sidebar-me" href=${href(['settings'])}>
        <${Avatar} user=${me.value} size="small" hasPresence />
        <span class="sidebar-me-name" dir="auto">${nameOf(me.value)}</span>
        <${Icon} name="settings" />
      </a>
    </footer>
  </nav>`;
}

function Section({ title, rows }) {
  if (!rows.length) return null;
  const [first, open] = route.value.path;
  return html`<section class="inbox-section">
    <h2 class="inbox-heading">${title}</h2>
    <ul class="inbox-list">
      ${rows.map((row) => html`<${InboxRow} key=${row.id} row=${row} isCurrent=${first === 'c' && open === row.id} />`)}
    </ul>
  </section>`;
}
