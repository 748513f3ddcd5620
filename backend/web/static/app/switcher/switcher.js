import { inbox } from '../chat.js';
import { html, useEffect, useState } from '../preact.js';
import { t } from '../text.js';
import { ComboboxField, useCombobox } from '../ui/combobox.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { conversations, messageSearch, pages, searched, Unread } from './sources.js';

const DELAY = 120;
const NOTHING = { query: '', people: [], rooms: [] };

/** Choose where to go by typing a part of the name. */
export async function showSwitcher() {
  const entry = await showDialog((close) => html`<${Switcher} close=${close} />`);
  if (entry?.action) entry.action();
  else if (entry) location.hash = entry.href;
}

function Switcher({ close }) {
  const [query, setQuery] = useState('');
  const found = useSearched(query);
  const groups = groupsOf(query, found);
  const entries = groups.flatMap((group) => group.entries);
  const { field, list, option } = useCombobox({
    count: entries.length,
    onQuery: setQuery,
    onChoose: (place) => close(entries[place]),
  });
  const onKeyDown = (event) => {
    if (event.key !== 'k' || !(event.ctrlKey || event.metaKey)) return field.onKeyDown(event);
    event.preventDefault();
    close();
  };
  return html`<${Dialog} title=${t('switcher.title')} class="switcher" isBare onClose=${() => close()}>
    <${ComboboxField} label=${t('switcher.label')} ...${field} onKeyDown=${onKeyDown} />
    <div class="switcher-list" aria-label=${t('switcher.title')} ...${list}>
      ${groups.map(
        ({ title, entries: inGroup }) => html`<div role="group" aria-label=${title} key=${title}>
          <p class="inbox-heading" aria-hidden="true">${title}</p>
          ${inGroup.map((entry) => html`<${Option} key=${entry.key} entry=${entry} ...${option(entries.indexOf(entry))} />`)}
        </div>`,
      )}
    </div>
  <//>`;
}

function groupsOf(query, found) {
  const isCurrent = query && found.query === query;
  const groups = [
    { title: t('switcher.conversations'), entries: conversations(query) },
    { title: t('people.title'), entries: isCurrent ? found.people : [] },
    { title: t('switcher.rooms'), entries: isCurrent ? found.rooms : [] },
    { title: t('switcher.pages'), entries: pages(query) },
    { title: t('switcher.search'), entries: query ? [messageSearch(query)] : [] },
  ];
  return groups.filter(({ entries }) => entries.length);
}

function Option({ entry, ...rest }) {
  return html`<div class="picker-row" ...${rest}>
    ${entry.picture}
    <span class="picker-name" dir="auto"><${Marked} text=${entry.title} places=${entry.places} /></span>
    <span class="picker-side" dir="auto">${entry.side}</span>
    ${entry.unread > 0 && html`<${Unread} count=${entry.unread} />`}
  </div>`;
}

/** A text in which the characters at some places are marked. */
function Marked({ text, places }) {
  if (!places?.size) return text;
  const parts = [];
  for (const [index, character] of [...text].entries()) {
    const isMarked = places.has(index);
    const last = parts.at(-1);
    if (last?.isMarked === isMarked) last.text += character;
    else parts.push({ isMarked, text: character });
  }
  return parts.map((part) => (part.isMarked ? html`<b>${part.text}</b>` : part.text));
}

/** The people and rooms that the server finds, a moment after the last key. */
function useSearched(query) {
  const [found, setFound] = useState(NOTHING);
  useEffect(() => {
    if (!query) return;
    let isCurrent = true;
    const timer = setTimeout(async () => {
      const answer = await searched(query).catch(() => NOTHING); // without network, the conversations are still there
      if (isCurrent) setFound({ ...answer, query });
    }, DELAY);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query, inbox.value.length]);
  return found;
}
