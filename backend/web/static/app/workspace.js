import { ConnectionBar } from './connection-bar.js';
import { Sidebar } from './inbox/sidebar.js';
import { startKeys, SWITCHER_KEY } from './keys.js';
import { startNotifications } from './notifications.js';
import { html, useEffect, useLayoutEffect, useRef } from './preact.js';
import { panelOf, route } from './router.js';
import { t } from './text.js';
import { lazy } from './ui/lazy.js';
import { Empty } from './ui/states.js';

const ConversationPane = lazy(() => import('./conversation/pane.js').then((module) => module.ConversationPane));

/** What the main pane shows, by the first part of the address. */
const PAGES = {
  __proto__: null,
  rooms: lazy(() => import('./rooms/browse.js').then((module) => module.RoomsPage)),
  people: lazy(() => import('./people/directory.js').then((module) => module.PeoplePage)),
  search: lazy(() => import('./search/page.js').then((module) => module.SearchPage)),
  settings: lazy(() => import('./settings/page.js').then((module) => module.SettingsPage)),
  admin: lazy(() => import('./admin/page.js').then((module) => module.AdminPage)),
};

/** What the panel beside the main pane shows, by its name in the address. Each gets `argument`, and `id` of the conversation. */
const PANELS = {
  __proto__: null,
  thread: lazy(() => import('./conversation/thread.js').then((module) => module.ThreadPanel), { isPanel: true }),
  pins: lazy(() => import('./conversation/pins.js').then((module) => module.PinsPanel), { isPanel: true }),
  details: lazy(() => import('./rooms/details.js').then((module) => module.DetailsPanel), { isPanel: true }),
  person: lazy(() => import('./people/card.js').then((module) => module.PersonPanel), { isPanel: true }),
  search: lazy(() => import('./search/panel.js').then((module) => module.SearchPanel), { isPanel: true }),
};

/** The panels that show something of the open conversation. */
const OF_CONVERSATION = ['thread', 'pins', 'search'];

/** The panes of who is signed in: the inbox, a conversation or another page, and a panel. Narrow windows show the last of them. */
export function Workspace() {
  useLayoutEffect(startKeys, []); // not a moment later than it is shown
  useEffect(startNotifications, []);
  const { path } = route.value;
  const [first, id, seq] = path;
  const panel = panelOf(route.value);
  const Page = PAGES[first];
  const conversationId = first === 'c' && id ? id : null;
  const Panel = panel && (conversationId || !OF_CONVERSATION.includes(panel.name)) ? PANELS[panel.name] : null;
  const shown = Panel ? 'panel' : first ? 'main' : 'list';
  useFocus(shown);
  return html`<div class="workspace" data-shown=${shown}>
    <a class="skip-link" href="#main" onClick=${focusMain}>${t('navigation.skip')}</a>
    <header class="visually-hidden"><h1>Confab</h1></header>
    <${Sidebar} />
    <main class="main" id="main" tabindex="-1">
      <${ConnectionBar} />
      ${
        conversationId
          ? html`<${ConversationPane} key=${id} id=${id} seq=${Number(seq) || null} />`
          : Page
            ? html`<${Page} path=${path.slice(1)} />`
            : html`<${Empty} icon="message" title=${t('welcome.title')} text=${t('welcome.text', { key: SWITCHER_KEY })} />`
      }
    </main>
    ${Panel && html`<${Panel} key=${panel.name} id=${conversationId} argument=${panel.argument} />`}
  </div>`;
}

/** Where the focus goes if what had it is hidden: in narrow windows one pane replaces the other. */
const FOCUSED = { list: '.inbox-row[tabindex="0"]', main: '#main', panel: '.panel' };

function useFocus(shown) {
  const before = useRef(shown);
  useEffect(() => {
    if (before.current === shown) return;
    before.current = shown;
    const focused = document.activeElement;
    const isLost = !focused || focused === document.body || !focused.checkVisibility();
    if (isLost) document.querySelector(FOCUSED[shown])?.focus({ preventScroll: true });
  }, [shown]);
}

/** The fragment of the address is the route, so the link moves the focus itself. */
function focusMain(event) {
  event.preventDefault();
  document.getElementById('main').focus();
}
