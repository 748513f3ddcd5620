import { html, useEffect, useRef } from '../preact.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Icon } from '../ui/icon.js';

/**
 * What the word at the cursor can become. The focus stays in the text box, which names the chosen option (aria-activedescendant).
 * @param {{id: string, options: any[], chosen: number, onChoose: (index: number) => void}} props
 */
export function CompletionList({ id, options, chosen, onChoose }) {
  const element = useRef(null);
  useEffect(() => {
    element.current?.children[chosen]?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  return html`<ul class="completions" id=${id} role="listbox" aria-label=${t('composer.completions')} ref=${element}>
    ${options.map(
      ({ key, label, detail, user, emoji }, index) => html`<li
        key=${key}
        id=${`${id}-${index}`}
        class="completion"
        role="option"
        aria-selected=${index === chosen}
        onPointerDown=${(event) => event.preventDefault()}
        onClick=${() => onChoose(index)}
      >
        ${user ? html`<${Avatar} user=${user} size="small" />` : emoji ? html`<span class="completion-emoji">${emoji}</span>` : html`<${Icon} name="at" />`}
        <span class="completion-label" dir="auto">${label}</span>
        ${detail && html`<span class="completion-detail">${detail}</span>`}
      </li>`,
    )}
  </ul>`;
}
