import { html, signal, useLayoutEffect } from '../preact.js';
import { t } from '../text.js';
import { Button, IconButton } from './button.js';
import { Cancelled, errorText } from './errors.js';
import { Icon } from './icon.js';

const toasts = signal([]);
const DURATION = 6000;
let count = 0;

/**
 * Tell of something for a moment, near the bottom of the window. It stays while the pointer or the focus is on it. Resolves when it has gone: with
 * true where its action was chosen.
 * @param {string} text
 * @param {{kind?: 'error' | 'success', action?: string, duration?: number, signal?: AbortSignal}} [options]
 *   `signal` chooses the action, as a key can
 * @returns {Promise<boolean>}
 */
export function toast(text, { kind, action, duration = DURATION, signal } = {}) {
  return new Promise((resolve) => {
    count += 1;
    const id = count;
    const close = (isChosen = false) => {
      toasts.value = toasts.value.filter((each) => each.id !== id);
      resolve(isChosen);
    };
    let timer = setTimeout(close, duration);
    const hold = () => clearTimeout(timer);
    const release = ({ currentTarget, relatedTarget }) => {
      // The pointer may leave what has the focus, and the focus what is under the pointer.
      if (currentTarget.contains(relatedTarget) || currentTarget.matches(':hover, :focus-within')) return;
      hold();
      timer = setTimeout(close, duration);
    };
    toasts.value = [...toasts.value.slice(-2), { id, text, kind, action, close, hold, release }];
    signal?.addEventListener('abort', () => close(true));
  });
}

/** Tell of an error, unless the user left what was to be done. @param {any} error */
export function toastError(error) {
  if (error instanceof Cancelled) return;
  void toast(errorText(error), { kind: 'error' });
}

const uncovered = new Set();
const raise = () => {
  const height = Math.max(0, ...[...uncovered].map((element) => element.offsetHeight));
  document.documentElement.style.setProperty('--toasts-above', `${height}px`);
};
const observer = new ResizeObserver(raise);

/** Have toasts appear above an element at the bottom of the window, such as a message box, however tall it is. @param {{current: HTMLElement}} ref */
export function useUncovered(ref) {
  useLayoutEffect(() => {
    const element = ref.current;
    uncovered.add(element);
    observer.observe(element);
    return () => {
      uncovered.delete(element);
      observer.unobserve(element);
      raise();
    };
  }, []);
}

/** Where toasts appear; stands once in the page. */
export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.value.map(
      ({ id, text, kind, action, close, hold, release }) => html`<div
        key=${id}
        class=${`toast ${kind ? `toast-${kind}` : ''}`}
        onMouseEnter=${hold}
        onMouseLeave=${release}
        onFocusIn=${hold}
        onFocusOut=${release}
      >
        ${kind && html`<${Icon} name=${kind === 'error' ? 'alert' : 'check'} />`}
        <span class="toast-text">${text}</span>
        ${action && html`<${Button} size="small" onClick=${() => close(true)}>${action}<//>`}
        <${IconButton} icon="close" size="small" label=${t('action.close')} onClick=${() => close()} />
      </div>`,
    )}
  </div>`;
}
