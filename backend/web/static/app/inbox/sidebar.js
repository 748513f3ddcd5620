import { inbox, me, state } from '../chat.js';
import { openSwitcher, SWITCHER_KEY } from '../keys.js';
import { nameOf } from '../people.js';
import { html, signal, useEffect, useRef } from '../preact.js';
import { href } from '../router.js';
import { hasDirectory } from '../session/server.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button, IconButton } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { useKeptFocus } from '../ui/kept-focus.js';
import { lazy } from '../ui/lazy.js';
import { useLongPress } from '../ui/long-press.js';
import { Empty } from '../ui/states.js';
import { NewMenu } from './new-menu.js';
import { isUnreadOnly, openId, orderedRows, otherRows, pinnedRows } from './order.js';
import { InboxRow } from './row.js';

const RowMenu = lazy(() => import('./row-menu.js').then((module) => module.RowMenu));
const Begin = lazy(() => import('./begin.js').then((module) => module.Begin));

/** The row whose menu is open, with the element and the point at which it opens. */
const menu = signal(null);
/** The id of the row that Tab reaches; arrows reach the others. */
const tabStop = signal(null);

/** The inbox and the ways to everything else. */
export function Sidebar() {
  const rows = orderedRows.value;
  const isLoaded = inbox.value.length > 0 || state.value.status === 'live';
  const isNew = isLoaded && inbox.value.every(({ kind }) => kind === 'lobby');
  useKeptFocus(rows.length, '.inbox-row[tabindex="0"]');
  const stop = [tabStop.value, openId.value].find((id) => rows.some((row) => row.id === id)) ?? rows[0]?.id;
  return html`<nav class="sidebar" aria-label=${t('navigation.conversations')}>
    <header class="sidebar-header">
      <div class="sidebar-title"><img src="/static/logo.svg" alt="" width="24" height="24" />Confab</div>
      <${IconButton} icon="search" label=${t('search.title')} href=${href(['search'])} />
      <${NewMenu} />
    </header>
    <div class="sidebar-tools">
      <button type="button" class="sidebar-find" aria-keyshortcuts="Control+K Meta+K" onClick=${openSwitcher}>
        <span>${t('switcher.open')}</span><kbd aria-hidden="true">${SWITCHER_KEY}</kbd>
      </button>
      <${IconButton}
        icon="unread"
        label=${t('inbox.unread-only')}
        isPressed=${isUnreadOnly.value}
        onClick=${() => {
          isUnreadOnly.value = !isUnreadOnly.value;
        }}
      />
    </div>
    <${List} stop=${stop}>
      <${Section} title=${t('inbox.pinned')} rows=${pinnedRows.value} stop=${stop} />
      <${Section} title=${t('inbox.all')} rows=${otherRows.value} stop=${stop} />
      ${isUnreadOnly.value && !rows.length && html`<${AllRead} />`} ${isNew && !isUnreadOnly.value && html`<${Begin} />`}
    <//>
    <footer class="sidebar-footer">
      <a class="sidebar-link" href=${href(['rooms'])}><${Icon} name="compass" />${t('rooms.browse')}</a>
      ${hasDirectory() && html`<a class="sidebar-link" href=${href(['people'])}><${Icon} name="people" />${t('people.title')}</a>`}
      ${me.value?.is_superuser && html`<a class="sidebar-link" href=${href(['admin'])}><${Icon} name="shield" />${t('navigation.admin')}</a>`}
      <a class="sidebar-me" href=${href(['settings'])}>
        <${Avatar} user=${me.value} size="small" hasPresence />
        <span class="sidebar-me-name" dir="auto">${nameOf(me.value)}</span>
        <${Icon} name="settings" />
      </a>
    </footer>
    ${menu.value && html`<${RowMenu} key=${menu.value.id} ...${menu.value} onClose=${closeMenu} />`}
  </nav>`;
}

function closeMenu() {
  menu.value = null;
}

/** The part that scrolls: one stop of the Tab key. Arrows move between the rows, and sideways to the menu of a row. */
function List({ children }) {
  const list = useRef(null);
  useEffect(() => list.current.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' }), [openId.value]);
  const itemOf = (event) => event.target.closest('.inbox-item');
  const onKeyDown = (event) => {
    const item = itemOf(event);
    if (!item || event.altKey || event.ctrlKey || event.metaKey) return;
    const [link, button] = item.children;
    const all = [...list.current.querySelectorAll('.inbox-row')];
    const index = all.indexOf(link);
    const moves = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: all.length - 1 };
    if (event.key in moves) all[moves[event.key]]?.focus();
    else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') (event.target === link ? button : link).focus();
    else return;
    event.preventDefault();
  };
  const onFocus = (event) => {
    const item = itemOf(event);
    if (item) tabStop.value = item.dataset.id;
  };
  const longPress = useLongPress(itemOf, (item) => openMenu(item, item.children[0]));
  const onContextMenu = (event) => {
    const item = itemOf(event);
    if (!item || event.shiftKey) return; // with Shift the browser shows its own menu
    event.preventDefault();
    if (longPress.isPressed()) return;
    const isPointer = event.clientX || event.clientY;
    const point = isPointer && event.button === 2 ? { x: event.clientX, y: event.clientY } : undefined;
    openMenu(item, item.children[0], point);
  };
  const onClick = (event) => {
    const button = event.target.closest('.inbox-row-menu');
    if (button) openMenu(itemOf(event), button);
  };
  return html`<div
    class="sidebar-scroll"
    ref=${list}
    onKeyDown=${onKeyDown}
    onFocusIn=${onFocus}
    onContextMenu=${onContextMenu}
    onClick=${onClick}
    ...${longPress.handlers}
  >
    ${children}
  </div>`;
}

function openMenu(item, anchor, point) {
  menu.value = { id: item.dataset.id, anchor, point };
}

/** The elements of the rows, so that a row is drawn again only where it changed. @type {WeakMap<object, any[]>} */
const drawn = new WeakMap();

function draw(row, isCurrent, isStop) {
  const key = Number(isCurrent) * 2 + Number(isStop);
  const known = drawn.get(row) ?? [];
  drawn.set(row, known);
  known[key] ??= html`<${InboxRow} key=${row.id} row=${row} isCurrent=${isCurrent} isStop=${isStop} />`;
  return known[key];
}

function Section({ title, rows, stop }) {
  if (!rows.length) return null;
  return html`<section class="inbox-section">
    <h2 class="inbox-heading">${title}</h2>
    <ul class="inbox-list">
      ${rows.map((row) => draw(row, row.id === openId.value, row.id === stop))}
    </ul>
  </section>`;
}

function AllRead() {
  const showAll = () => {
    isUnreadOnly.value = false;
  };
  return html`<${Empty} isSmall icon="check" title=${t('inbox.all-read.title')} text=${t('inbox.all-read.text')}>
    <${Button} size="small" onClick=${showAll}>${t('inbox.show-all')}<//>
  <//>`;
}
