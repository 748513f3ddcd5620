import { html } from '../preact.js';
import { Icon } from './icon.js';

/**
 * A button, or a link that looks like one where `href` is given.
 * @param {{kind?: 'primary' | 'quiet' | 'danger', size?: 'small', icon?: string, isBusy?: boolean, href?: string, children?: any}} props
 */
export function Button({ kind, size, icon, isBusy = false, href, children, class: className = '', ...rest }) {
  const classes = ['button', kind && `button-${kind}`, size && `button-${size}`, className].filter(Boolean).join(' ');
  const content = html`${isBusy ? html`<span class="spinner" aria-hidden="true"></span>` : icon && html`<${Icon} name=${icon} />`}
    ${children}`;
  if (href) return html`<a class=${classes} href=${href} ...${rest}>${content}</a>`;
  return html`<button type="button" class=${classes} aria-busy=${isBusy || undefined} disabled=${isBusy || rest.disabled} ...${rest}>
    ${content}
  </button>`;
}

/** A button with an icon alone. Its label is spoken, and shown while the pointer or the focus is on it. */
export function IconButton({ icon, label, isPressed, href, class: className = '', size, ...rest }) {
  const classes = `icon-button ${size ? `icon-button-${size}` : ''} ${className}`;
  const content = html`<${Icon} name=${icon} />`;
  if (href) return html`<a class=${classes} href=${href} aria-label=${label} data-tip=${label} ...${rest}>${content}</a>`;
  return html`<button type="button" class=${classes} aria-label=${label} data-tip=${label} aria-pressed=${isPressed} ...${rest}>
    ${content}
  </button>`;
}
