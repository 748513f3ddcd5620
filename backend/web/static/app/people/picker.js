import { api, me } from '../chat.js';
import { nameOf, remember } from '../people.js';
import { html, useEffect, useState } from '../preact.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { ComboboxField, useCombobox } from '../ui/combobox.js';
import { Failure } from '../ui/states.js';

const LIMIT = 20;
const DELAY = 150;

/**
 * Choose a person by name.
 * @param {{label: string, onChoose: (user: any) => void, excluded?: Set<number>, mark?: (user: any) => any, first?: any[]}} props
 *   `mark`: what is shown at the end of a row; `first`: users to begin with, before the found ones
 */
export function PersonPicker({ label, onChoose, excluded = new Set(), mark, first = [] }) {
  const [query, setQuery] = useState('');
  const { found, error, retry } = useFound(query);
  const listed = query ? found : [...first, ...found.filter((user) => !first.some((each) => each.id === user.id))];
  const users = listed.filter((user) => !excluded.has(user.id));
  const { field, list, option } = useCombobox({
    count: users.length,
    onQuery: setQuery,
    onChoose: (place) => onChoose(users[place]),
  });
  return html`<div class="picker">
    <${ComboboxField} label=${label} ...${field} />
    ${error && html`<${Failure} error=${error} retry=${retry} />`}
    <ul class="picker-list" aria-label=${t('people.title')} ...${list}>
      ${users.map(
        (user, place) => html`<li key=${user.id} class="picker-row" ...${option(place)}>
          <${Avatar} user=${user} size="small" hasPresence />
          <span class="picker-name" dir="auto">${user.id === me.value?.id ? t('person.you', { name: nameOf(user) }) : nameOf(user)}</span>
          <span class="picker-side" dir="auto">@${user.username}</span>
          ${mark?.(user)}
        </li>`,
      )}
    </ul>
    <p class="picker-none" role="status">${query && found.query === query && !users.length ? t('people.none-found.text') : ''}</p>
  </div>`;
}

/** The users whom the directory finds, a moment after the last key. The list is kept until the next one is there. */
function useFound(query) {
  const [state, setState] = useState({ found: Object.assign([], { query: '' }), error: null });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(
      async () => {
        try {
          const found = await api.get(`/api/users?${new URLSearchParams({ limit: String(LIMIT), ...(query && { q: query }) })}`);
          remember(found);
          if (isCurrent) setState({ found: Object.assign(found, { query }), error: null });
        } catch (error) {
          if (isCurrent) setState({ found: Object.assign([], { query }), error });
        }
      },
      query ? DELAY : 0,
    );
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [query, attempt]);
  return { ...state, retry: () => setAttempt(attempt + 1) };
}
