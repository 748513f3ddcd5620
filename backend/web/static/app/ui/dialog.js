import { html, signal, useEffect, useId, useRef } from '../preact.js';
import { t } from '../text.js';
import { Button, IconButton } from './button.js';
import { rememberFocus } from './returned-focus.js';

/** The open dialogs, the newest last: `{id, render}`. */
const open = signal([]);
let count = 0;

/**
 * Show a dialog. Resolves with what `close` is called with, or undefined where the user leaves it.
 * @param {(close: (result?: any) => void) => any} render  gives a `Dialog`
 * @returns {Promise<any>}
 */
export function showDialog(render) {
  return new Promise((resolve) => {
    count += 1;
    const id = count;
    const close = (result) => {
      open.value = open.value.filter((each) => each.id !== id);
      resolve(result);
    };
    open.value = [...open.value, { id, close, render: () => render(close) }];
  });
}

/** Leave all dialogs. */
export function closeDialogs() {
  for (const { close } of open.value) close();
}

/** Where the dialogs are; stands once in the page. */
export function Dialogs() {
  return open.value.map(({ id, render }) => html`<${Entry} key=${id} render=${render} />`);
}

function Entry({ render }) {
  return render();
}

/**
 * A modal dialog. The focus stays in it, and returns to where it was. Escape and a press beside it call `onClose`.
 * @param {{title: string, onClose: () => void, footer?: any, size?: 'small' | 'large', isBare?: boolean, children?: any}} props
 *   with `isBare` the title is only spoken
 */
export function Dialog({ title, onClose, footer, size = '', isBare = false, class: className = '', children }) {
  const element = useRef(null);
  const id = useId();
  useEffect(() => {
    const giveBack = rememberFocus();
    const dialog = element.current;
    dialog.showModal();
    dialog.querySelector('[autofocus]')?.focus();
    return () => {
      dialog.close(); // while it is open, nothing outside of it takes the focus
      giveBack();
    };
  }, []);
  const onCancel = (event) => {
    event.preventDefault();
    onClose();
  };
  // Browsers close a dialog without asking where Escape is pressed twice. One that `onClose` does not end is shown again.
  const onClosed = async () => {
    if (!element.current) return;
    onClose();
    await null;
    if (element.current && !element.current.open) element.current.showModal();
  };
  const onPointerDown = (event) => event.target === element.current && onClose();
  return html`<dialog
    ref=${element}
    class=${`dialog ${size && `dialog-${size}`} ${className}`}
    aria-labelledby=${id}
    onCancel=${onCancel}
    onClose=${onClosed}
    onPointerDown=${onPointerDown}
  >
    <div class="dialog-content">
      ${
        isBare
          ? html`<h2 id=${id} class="visually-hidden">${title}</h2>`
          : html`<header class="dialog-header">
              <h2 id=${id} class="dialog-title">${title}</h2>
              <${IconButton} icon="close" label=${t('action.close')} onClick=${() => onClose()} />
            </header>`
      }
      <div class="dialog-body">${children}</div>
      ${footer && html`<footer class="dialog-footer">${footer}</footer>`}
    </div>
  </dialog>`;
}

/**
 * Ask before something is done. Resolves with whether the user agreed.
 * @param {{title: string, text: string, action: string, isDanger?: boolean}} question
 */
export function confirm({ title, text, action, isDanger = false }) {
  return showDialog(
    (close) => html`<${Dialog}
      title=${title}
      size="small"
      onClose=${() => close(false)}
      footer=${html`<${Button} onClick=${() => close(false)}>${t('action.cancel')}<//>
        <${Button} kind=${isDanger ? 'danger' : 'primary'} autofocus onClick=${() => close(true)}>${action}<//>`}
    >
      <p>${text}</p>
    <//>`,
  );
}
