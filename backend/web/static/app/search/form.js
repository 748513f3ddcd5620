import { chat, inbox, me } from '../chat.js';
import { knownPeople, nameOf } from '../people.js';
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Checkbox, Field } from '../ui/form.js';

const DELAY = 250;
const PAGE = 30;
const LONGEST = 200;

/** Midnight of a day in the user's time zone, as the server takes it. @param {string} day @param {number} [later] days */
function midnight(day, later = 0) {
  const [year, month, date] = day.split('-').map(Number);
  const found = new Date(year, month - 1, date + later);
  return Number.isNaN(found.getTime()) ? undefined : found.toISOString(); // the address may name anything
}

/** A day that a date field can show; the address may have anything. @param {string | undefined} day */
function dayOf(day) {
  return /^\d{4}-\d\d-\d\d$/.test(day ?? '') ? day : '';
}

/** The query of the page in the terms of the server. Both days are within what is sought. */
function filtersOf({ in: conversation, from, after, before, files }) {
  return {
    conversation_id: conversation || undefined,
    sender_id: from ? Number(from) : undefined,
    after: after ? midnight(after) : undefined,
    before: before ? midnight(before, 1) : undefined,
    has: files ? /** @type {const} */ ('attachment') : undefined,
  };
}

/**
 * The messages that are found, page by page: `{found, isLoading, error, hasMore, more, retry}`; `found` is null before anything
 * is sought.
 * @param {Record<string, string | undefined>} query
 */
export function useSearch(query) {
  const [state, setState] = useState({ found: null, isLoading: false, error: null, hasMore: false });
  const latest = useRef(0);
  const key = JSON.stringify([query.q?.trim(), filtersOf(query)]);
  const load = async (skip) => {
    latest.current += 1;
    const mine = latest.current;
    const before = skip ? state.found : [];
    setState((now) => ({ ...now, isLoading: true, error: null }));
    try {
      const page = await chat.search(query.q.trim(), { ...filtersOf(query), skip, limit: PAGE });
      if (mine === latest.current)
        setState({ found: [...before, ...page], isLoading: false, error: null, hasMore: page.length === PAGE });
    } catch (error) {
      if (mine === latest.current) setState((now) => ({ ...now, isLoading: false, error }));
    }
  };
  useEffect(() => {
    latest.current += 1;
    if (!query.q?.trim()) return setState({ found: null, isLoading: false, error: null, hasMore: false });
    const timer = setTimeout(() => load(0), DELAY);
    return () => clearTimeout(timer);
  }, [key]);
  return { ...state, query, more: () => load(state.found.length), retry: () => load(0) };
}

/**
 * What is sought, and where. Each change is told at once; there is nothing to submit.
 * @param {{query: any, onChange: (query: any) => void, conversations?: {value: string, label: string}[]}} props
 */
export function SearchForm({ query, onChange, conversations }) {
  const input = useRef(null);
  const id = useId();
  const [isOpen, setOpen] = useState(Boolean(query.in || query.from || query.after || query.before || query.files));
  useLayoutEffect(() => input.current.focus(), []);
  const change = (name, value) => onChange({ ...query, [name]: value || undefined });
  const field = (name, value = query[name] ?? '') => ({
    name,
    value,
    onChange: ({ currentTarget }) => change(name, currentTarget.value),
  });
  const count = ['in', 'from', 'after', 'before', 'files'].filter((name) => query[name]).length;
  return html`<form class="search-form" role="search" onSubmit=${(event) => event.preventDefault()}>
    <div class="search-line">
      <input
        ref=${input}
        class="input"
        type="search"
        dir="auto"
        maxlength=${LONGEST}
        aria-label=${t('search.title')}
        placeholder=${t('search.placeholder')}
        value=${query.q ?? ''}
        onInput=${({ currentTarget }) => change('q', currentTarget.value)}
      />
      <${Button} icon="settings" aria-expanded=${isOpen} aria-controls=${id} onClick=${() => setOpen(!isOpen)}>
        ${count ? t('search.filters.count', { count }) : t('search.filters')}
      <//>
    </div>
    <div class="search-filters" id=${id} hidden=${!isOpen}>
      ${
        conversations &&
        html`<${Field} label=${t('search.in')} options=${[{ value: '', label: t('search.anywhere') }, ...conversations]} ...${field('in')} />`
      }
      <${Field} label=${t('search.from')} options=${[{ value: '', label: t('search.anybody') }, ...senders()]} ...${field('from')} />
      <${Field} label=${t('search.after')} type="date" ...${field('after', dayOf(query.after))} />
      <${Field} label=${t('search.before')} type="date" ...${field('before', dayOf(query.before))} />
      <${Checkbox}
        label=${t('search.files')}
        checked=${Boolean(query.files)}
        onChange=${({ currentTarget }) => change('files', currentTarget.checked && '1')}
      />
      ${count > 0 && html`<${Button} size="small" onClick=${() => onChange({ q: query.q })}>${t('search.clear')}<//>`}
    </div>
  </form>`;
}

/** The people whom one may look for: oneself, then those who are known, by name. */
function senders() {
  void inbox.value; // people become known with the inbox
  const people = knownPeople().filter(({ username }) => username);
  people.sort((a, b) => Number(b.id === me.value?.id) - Number(a.id === me.value?.id) || nameOf(a).localeCompare(nameOf(b)));
  return people.map((user) => ({ value: String(user.id), label: nameOf(user) }));
}
