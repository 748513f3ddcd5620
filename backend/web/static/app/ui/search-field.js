import { html, useEffect, useRef } from '../preact.js';
import { Icon } from './icon.js';

const DELAY = 150;

/** A field that searches while one types. @param {{label: string, onSearch: (text: string) => void}} props */
export function SearchField({ label, onSearch, ...rest }) {
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onInput = ({ target }) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(target.value.trim()), DELAY);
  };
  return html`<div class="search-field" role="search">
    <${Icon} name="search" />
    <input class="input" type="search" dir="auto" aria-label=${label} placeholder=${label} maxlength="100" autocomplete="off" onInput=${onInput} ...${rest} />
  </div>`;
}
