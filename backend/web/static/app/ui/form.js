import { ApiError } from '../chat.js';
import { createContext, html, useContext, useId, useLayoutEffect, useRef, useState } from '../preact.js';
import { Button } from './button.js';
import { Cancelled, errorText, fieldErrors } from './errors.js';
import { Icon } from './icon.js';

const Errors = createContext({});

/**
 * A form. `onSubmit` gets the fields as an object of strings (checkboxes as booleans); what it throws is shown at the fields that
 * the server names, or above them.
 * @param {{onSubmit: (fields: any, form: HTMLFormElement) => Promise<any>, action: string, secondary?: any, children?: any}} props
 *   `action`: the words of the button that submits
 */
export function Form({ onSubmit, action, icon, isDanger = false, secondary, children, class: className = '' }) {
  const element = useRef(null);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState({ detail: '', errors: {} });
  useLayoutEffect(() => element.current.querySelector('[autofocus]')?.focus(), []);
  const submit = async (event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setFailure({ detail: '', errors: {} });
    try {
      await onSubmit(read(element.current), element.current);
    } catch (error) {
      if (error instanceof Cancelled) return;
      if (!(error instanceof ApiError)) console.error(error);
      if (element.current) setFailure({ detail: errorText(error), errors: fieldErrors(error, element.current) });
      // At once after the rendering: later it would take the focus from a field that is being filled again.
      queueMicrotask(() => element.current?.querySelector('[aria-invalid=true], .form-error')?.focus());
    } finally {
      setBusy(false);
    }
  };
  const named = Object.keys(failure.errors);
  const elsewhere = named.filter((name) => !element.current?.elements[name]).flatMap((name) => failure.errors[name]);
  const isShownAtFields = named.length && !elsewhere.length;
  return html`<form ref=${element} class=${`form ${className}`} onSubmit=${submit} noValidate=${false}>
    ${
      failure.detail &&
      !isShownAtFields &&
      html`<p class="form-error" role="alert" tabindex="-1">
        <${Icon} name="alert" /><span>${[failure.detail, ...elsewhere].join(' ')}</span>
      </p>`
    }
    <${Errors.Provider} value=${failure.errors}>${children}<//>
    <div class="form-actions">
      <${Button} type="submit" kind=${isDanger ? 'danger' : 'primary'} icon=${icon} isBusy=${isBusy}>${action}<//>
      ${secondary}
    </div>
  </form>`;
}

/** @param {HTMLFormElement} form */
function read(form) {
  const fields = {};
  for (const element of form.elements) {
    if (!element.name || element.disabled) continue;
    if (element.type === 'radio' && !element.checked) continue;
    fields[element.name] =
      element.type === 'checkbox' ? element.checked : element.type === 'file' ? element.files[0] : element.value;
  }
  return fields;
}

/**
 * A labelled field of a form. Further attributes are those of the input.
 * @param {{name: string, label: string, hint?: string, rows?: number, options?: {value: string, label: string, isSelected?: boolean}[]}} props
 */
export function Field({ name, label, hint, rows, options, children, ...rest }) {
  const id = useId();
  const errors = useContext(Errors)[name];
  const described = [hint && `${id}-hint`, errors && `${id}-error`].filter(Boolean).join(' ') || undefined;
  const props = { id, name, class: 'input', 'aria-describedby': described, 'aria-invalid': errors ? 'true' : undefined, ...rest };
  return html`<div class="field">
    <label class="field-label" for=${id}>${label}</label>
    ${
      options
        ? html`<select ...${props}>
            ${options.map((each) => html`<option value=${each.value} selected=${each.isSelected}>${each.label}</option>`)}
          </select>`
        : rows
          ? html`<textarea rows=${rows} dir="auto" ...${props}></textarea>`
          : html`<input dir="auto" ...${props} />`
    }
    ${children} ${hint && html`<span class="field-hint" id=${`${id}-hint`}>${hint}</span>`}
    ${errors && html`<span class="field-error" id=${`${id}-error`}>${[errors].flat().join(' ')}</span>`}
  </div>`;
}

/** A checkbox with its label, and a hint. */
export function Checkbox({ name, label, hint, isSwitch = false, ...rest }) {
  const id = useId();
  return html`<div class="choice">
    <input
      type="checkbox"
      role=${isSwitch ? 'switch' : undefined}
      id=${id}
      name=${name}
      aria-describedby=${hint && `${id}-hint`}
      ...${rest}
    />
    <label for=${id}>${label}</label>
    ${hint && html`<span class="field-hint" id=${`${id}-hint`}>${hint}</span>`}
  </div>`;
}
