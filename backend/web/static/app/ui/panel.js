import { html, useEffect, useRef } from '../preact.js';
import { closePanel } from '../router.js';
import { t } from '../text.js';
import { IconButton } from './button.js';
import { isComposing } from './composing.js';
import { rememberFocus } from './returned-focus.js';

/** The frame of a panel beside the main pane. Escape closes it. @param {{title: any, subtitle?: any, actions?: any, children?: any}} props */
export function Panel({ title, subtitle, actions, children, class: className = '' }) {
  const element = useRef(null);
  useEffect(() => {
    const giveBack = rememberFocus();
    // Whoever is faster than this effect stays in the field of the panel.
    if (!element.current.contains(document.activeElement)) element.current.focus({ preventScroll: true });
    return giveBack;
  }, []);
  const onKeyDown = (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || isComposing(event)) return;
    event.preventDefault();
    closePanel();
  };
  return html`<aside class=${`panel ${className}`} ref=${element} tabindex="-1" aria-label=${title} onKeyDown=${onKeyDown}>
    <header class="pane-header">
      <${IconButton} icon="back" class="panel-back" label=${t('action.back')} onClick=${closePanel} />
      <div class="pane-heading">
        <h2 class="pane-title">${title}</h2>
        ${subtitle && html`<p class="pane-subtitle">${subtitle}</p>`}
      </div>
      ${actions}
      <${IconButton} icon="close" class="panel-close" label=${t('action.close')} onClick=${closePanel} />
    </header>
    ${children}
  </aside>`;
}
