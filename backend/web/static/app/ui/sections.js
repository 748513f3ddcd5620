import { html, useEffect, useRef } from '../preact.js';
import { href } from '../router.js';
import { t } from '../text.js';
import { IconButton } from './button.js';
import { Icon } from './icon.js';

/**
 * A page of several parts: a list of them, and one of them. Where there is no room for both, the list comes first.
 * @param {{
 *   base: string, title: string, path: string[], head?: any, foot?: any,
 *   sections: Record<string, {icon: string, title: string, badge?: number, Page: any}>
 * }} props  `base`: the first part of the address; `path`: what follows it. The first section is shown unless told.
 */
export function SectionsPage({ base, title, path, head, foot, sections }) {
  const name = Object.hasOwn(sections, path[0]) ? path[0] : null;
  const shown = name ?? Object.keys(sections)[0];
  const { Page, title: heading } = sections[shown];
  const content = useRef(null);
  useEffect(() => {
    if (!name) return;
    content.current.scrollTop = 0;
    if (!content.current.contains(document.activeElement)) content.current.focus({ preventScroll: true });
  }, [name]);
  return html`<div class="settings" data-shown=${name ? 'part' : 'list'}>
    <nav class="settings-list" aria-label=${title}>
      <header class="pane-header">
        <${IconButton} icon="back" class="pane-back" label=${t('action.back')} href=${href([])} />
        <h2 class="pane-title pane-heading">${title}</h2>
      </header>
      <div class="settings-links">
        ${head}
        ${Object.entries(sections).map(
          ([each, section]) => html`<a
            key=${each}
            class="settings-link"
            href=${href([base, each])}
            aria-current=${each === shown ? 'page' : undefined}
          >
            <${Icon} name=${section.icon} />${section.title}
            ${section.badge > 0 && html`<span class="badge settings-badge">${section.badge}</span>`}
          </a>`,
        )}
        ${foot}
      </div>
    </nav>
    <div class="settings-part" ref=${content} tabindex="-1">
      <header class="pane-header">
        <${IconButton} icon="back" class="settings-back" label=${t('action.back')} href=${href([base])} />
        <h2 class="pane-title pane-heading">${heading}</h2>
      </header>
      <div class="page"><div class="settings-content"><${Page} key=${shown} /></div></div>
    </div>
  </div>`;
}
