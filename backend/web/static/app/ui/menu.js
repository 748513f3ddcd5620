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
  const wasOpen = useRef(false);
  // A press on the button closes an open popover by itself, before the click.
  const onPointerDown = () => {
    wasOpen.current = isOpen;
  };
  const onClick = () => {
    setOpen(!isOpen && !wasOpen.current);
    wasOpen.current = false;
  };
  return html`<span class="menu-anchor" ref=${anchor} onPointerDown=${onPointerDown}>
    ${button({ 'aria-haspopup': 'menu', 'aria-expanded': isOpen, onClick })}
    ${isOpen && html`<${MenuPopup} anchor=${anchor.current} items=${items} label=${label} onClose=${() => setOpen(false)} />`}
  </span>`;
}

/**
 * The open menu by itself, for a menu that belongs to no button alone. The focus moves into it, and returns to the anchor.
 * @param {{anchor: HTMLElement, point?: {x: number, y: number}, items: any[], label: string, onClose: () => void}} props
 *   `items` as of `Menu`; it opens at `point`, such as that of the pointer, or else beside the anchor
 */
export function MenuPopup({ anchor, point, items, label, onClose }) {
  const list = useRef(null);
  const close = () => {
    onClose();
    (anchor.matches('a, button') ? anchor : anchor.querySelector('button'))?.focus();
  };
  useEffect(() => {
    const menu = list.current;
    menu.showPopover();
    place(menu, anchor, point);
    menu.querySelector('[role=menuitem]')?.focus();
    const onToggle = ({ newState }) => newState === 'closed' && onClose();
    menu.addEventListener('toggle', onToggle);
    return () => menu.removeEventListener('toggle', onToggle);
  }, []);
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
  return html`<div ref=${list} class="menu" popover="auto" role="menu" aria-label=${label} onKeyDown=${onKeyDown}>
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
  </div>`;
}

/** Put a popover below its anchor (or a point), or above where there is more room, within the window. */
export function place(popover, anchor, point) {
  const gap = 6;
  const target = point ? new DOMRect(point.x, point.y - gap, 0, gap) : anchor.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const isRtl = getComputedStyle(anchor).direction === 'rtl';
  const below = target.bottom + gap;
  const top = below + height <= innerHeight - gap ? below : Math.max(gap, target.top - height - gap);
  const start = isRtl || point ? target.left : target.right - width;
  const left = Math.min(Math.max(gap, start < gap ? target.left : start), innerWidth - width - gap);
  popover.style.top = `${top}px`;
  popover.style.left = `${left}px`;
}
