import { inbox } from '../chat.js';
import { html, useEffect, useId, useRef, useState } from '../preact.js';
import { t } from '../text.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { Icon } from '../ui/icon.js';
import { conversations, messageSearch, pages, searched, Unread } from './sources.js';

const DELAY = 120;
const NOTHING = { query: '', people: [], rooms: [] };

/** Choose where to go by typing a part of the name. */
export async function showSwitcher() {
  const entry = await showDialog((close) => html`<${Switcher} close=${close} />`);
  if (entry?.action) entry.action();
  else if (entry) location.hash = entry.href;
}

/** ARIA combobox: the focus stays in the field, arrows move in the list, Enter goes. */
function Switcher({ close }) {
  const id = useId();
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const list = useRef(null);
  const found = useSearched(query);
  const groups = groupsOf(query, found);
  const entries = groups.flatMap((group) => group.entries);
  const index = Math.min(active, entries.length - 1);
  useEffect(() => list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }), [index, query]);
  const onKeyDown = (event) => {
    const isNext = event.key === 'ArrowDown' || (event.key === 'n' && event.ctrlKey);
    const isPrevious = event.key === 'ArrowUp' || (event.key === 'p' && event.ctrlKey);
    if (isNext) setActive((index + 1) % entries.length);
    else if (isPrevious) setActive((index - 1 + entries.length) % entries.length);
    else if (event.key === 'Enter' && entries[index] && !event.isComposing) close(entries[index]);
    else if (event.key === 'k' && (event.ctrlKey || event.metaKey)) close();
    else return;
    event.preventDefault();
  };
  const onInput = ({ target }) => {
    setQuery(target.value.trim());
    setActive(0);
  };
  let place = -1;
  return html`<${Dialog} title=${t('switcher.title')} class="switcher" isBare onClose=${() => close()}>
    <div class="search-field">
      <${Icon} name="search" />
      <input
        class="input"
        role="combobox"
        dir="auto"
        autofocus
        autocomplete="off"
        spellcheck=${false}
        maxlength="100"
        aria-label=${t('switcher.label')}
        placeholder=${t('switcher.label')}
        aria-expanded="true"
        aria-autocomplete="list"
        aria-controls=${id}
        aria-activedescendant=${entries[index] && `${id}-${index}`}
        onInput=${onInput}
        onKeyDown=${onKeyDown}
      />
    </div>
    <div class="switcher-list" id=${id} role="listbox" aria-label=${t('switcher.title')} ref=${list}>
      ${groups.map(
        ({ title, entries: inGroup }) => html`<div role="group" aria-label=${title} key=${title}>
          <p class="inbox-heading" aria-hidden="true">${title}</p>
          ${inGroup.map((entry) => {
            place += 1;
            const mine = place;
            return html`<${Option}
              key=${entry.key}
              id=${`${id}-${mine}`}
              entry=${entry}
              isActive=${mine === index}
              onPoint=${() => setActive(mine)}
              onChoose=${() => close(entry)}
            />`;
          })}
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

function Option({ id, entry, isActive, onPoint, onChoose }) {
  return html`<div class="picker-row" role="option" id=${id} aria-selected=${isActive} onPointerMove=${onPoint} onClick=${onChoose}>
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
