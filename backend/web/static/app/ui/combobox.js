import { html, useEffect, useId, useRef, useState } from '../preact.js';
import { isComposing } from './composing.js';
import { Icon } from './icon.js';

/**
 * A search field and the list of what it finds (ARIA combobox): the focus stays in the field, arrows move in the list, Enter chooses.
 * @param {{count: number, onQuery: (query: string) => void, onChoose: (place: number) => void}} props  `count`: the options in the list
 * @returns  `field`: what `ComboboxField` gets; `list` and `option(place)`: attributes of the list, and of each of its options
 */
export function useCombobox({ count, onQuery, onChoose }) {
  const id = useId();
  const list = useRef(null);
  const [active, setActive] = useState(0);
  const index = Math.min(active, count - 1);
  const idOf = (place) => `${id}-${place}`;
  useEffect(() => list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }), [index, count]);
  const move = (by) => count && setActive((index + by + count) % count);
  const onKeyDown = (event) => {
    if (isComposing(event)) return;
    const { key, ctrlKey } = event;
    if (key === 'ArrowDown' || (key === 'n' && ctrlKey)) move(1);
    else if (key === 'ArrowUp' || (key === 'p' && ctrlKey)) move(-1);
    else if (key === 'Enter' && count) onChoose(index);
    else return;
    event.preventDefault();
  };
  const onInput = ({ target }) => {
    onQuery(target.value.trim());
    setActive(0);
  };
  return {
    field: {
      onKeyDown,
      onInput,
      'aria-expanded': count > 0,
      'aria-controls': id,
      'aria-activedescendant': count ? idOf(index) : undefined,
    },
    list: { id, ref: list, role: 'listbox' },
    option: (place) => ({
      id: idOf(place),
      role: 'option',
      'aria-selected': place === index,
      onPointerMove: () => setActive(place),
      onClick: () => onChoose(place),
    }),
  };
}

/** @param {{label: string, onKeyDown: (event: KeyboardEvent) => void}} props  `rest`: the `field` of `useCombobox` */
export function ComboboxField({ label, ...rest }) {
  return html`<div class="search-field">
    <${Icon} name="search" />
    <input
      class="input"
      role="combobox"
      dir="auto"
      autofocus
      autocomplete="off"
      spellcheck=${false}
      maxlength="100"
      aria-label=${label}
      aria-autocomplete="list"
      placeholder=${label}
      ...${rest}
    />
  </div>`;
}
