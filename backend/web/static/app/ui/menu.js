import { html, useEffect, useRef, useState } from '../preact.js';
import { Icon } from './icon.js';

/**
 * A button that opens a menu (ARIA menu button pattern): arrows, Home, End, first letters, Escape.
 * @param {{
 *   button: (props: any) => any,
 *   items: ({label: string, icon?: string, onSelect?: () => void, href?: string, isDanger?: boolean, shortcut?: string} | 'line' | null | false)[],
 *   label: string
 * }} props  `button` renders the button with the props that it is given
 */
export function Menu({ button, items, label }) {
  const [isOpen, setOpen] = useState(false);
  const anchor = useRef(null);
  const list = useRef(null);
  const close = () => {
    setOpen(false);
    anchor.current?.querySelector('button')?.focus();
  };
  useEffect(() => {
    if (!isOpen) return;
    const menu = list.current;
    menu.showPopover();
    place(menu, anchor.current);
    menu.querySelector('[role=menuitem]')?.focus();
    const onToggle = ({ newState }) => newState === 'closed' && setOpen(false);
    menu.addEventListener('toggle', onToggle);
    return () => menu.removeEventListener('toggle', onToggle);
  }, [isOpen]);
  const onKeyDown = (event) => {
    const all = [...list.current.querySelectorAll('[role=menuitem]')];
    const index = all.indexOf(document.activeElement);
    const moves = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: all.length - 1 };
    if (event.key in moves) all[(moves[event.key] + all.length) % all.length]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') close();
    else if (/^\S$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
      const key = event.key.toLocaleLowerCase();
      const next = [...all.slice(index + 1), ...all].find((item) => item.textContent.trim().toLocaleLowerCase().startsWith(key));
      next?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const select = (item) => () => {
    close();
    item.onSelect?.();
  };
  return html`<span class="menu-anchor" ref=${anchor}>
    ${button({ 'aria-haspopup': 'menu', 'aria-expanded': isOpen, onClick: () => setOpen(!isOpen) })}
    ${
      isOpen &&
      html`<div ref=${list} class="menu" popover="auto" role="menu" aria-label=${label} onKeyDown=${onKeyDown}>
        ${items.filter(Boolean).map((item) => {
          if (item === 'line') return html`<div class="menu-line" role="separator"></div>`;
          const Tag = item.href ? 'a' : 'button';
          return html`<${Tag}
            role="menuitem"
            tabindex="-1"
            class=${`menu-item ${item.isDanger ? 'menu-item-danger' : ''}`}
            href=${item.href}
            type=${item.href ? undefined : 'button'}
            onClick=${select(item)}
          >
            ${item.icon && html`<${Icon} name=${item.icon} />`}<span class="menu-label">${item.label}</span>
            ${item.shortcut && html`<kbd>${item.shortcut}</kbd>`}
          <//>`;
        })}
      </div>`
    }
  </span>`;
}

/** Put a popover below its anchor, or above where there is more room, within the window. */
export function place(popover, anchor) {
  const gap = 6;
  const target = anchor.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const isRtl = getComputedStyle(anchor).direction === 'rtl';
  const below = target.bottom + gap;
  const top = below + height <= innerHeight - gap ? below : Math.max(gap, target.top - height - gap);
  const start = isRtl ? target.left : target.right - width;
  const left = Math.min(Math.max(gap, start < gap ? target.left : start), innerWidth - width - gap);
  popover.style.top = `${top}px`;
  popover.style.left = `${left}px`;
}
