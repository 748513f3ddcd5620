import { html } from '../preact.js';

/** A part of the settings with its heading. @param {{title: string, text?: any, isDanger?: boolean, children?: any}} props */
export function Section({ title, text, isDanger = false, children }) {
  return html`<section class=${`setting ${isDanger ? 'is-danger' : ''}`}>
    <h3 class="setting-title">${title}</h3>
    ${text && html`<p class="setting-text">${text}</p>`}
    <div class="setting-body">${children}</div>
  </section>`;
}

/** A choice of one of several: cards with a radio button each. @param {{name: string, label: string, value: string, options: {value: string, label: string, icon?: any}[], onChange: (value: string) => void}} props */
export function Choices({ name, label, value, options, onChange }) {
  return html`<fieldset class="cards">
    <legend class="visually-hidden">${label}</legend>
    ${options.map(
      (each) => html`<label class="choice-card" key=${each.value}>
        <input type="radio" name=${name} value=${each.value} checked=${each.value === value} onChange=${() => onChange(each.value)} />
        ${each.icon}<span>${each.label}</span>
      </label>`,
    )}
  </fieldset>`;
}
