import { hasSingleKeys, MODIFIER, SHIFT, setSingleKeys } from '../keys.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { Checkbox } from '../ui/form.js';

/** The keys by what they are for. In each list of keys, those that are pressed together; `or` stands between alternatives. */
const GROUPS = {
  everywhere: [
    ['switcher', [MODIFIER, 'K']],
    ['steps', ['Alt', '↑'], ['Alt', '↓']],
    ['unread', ['Alt', SHIFT, '↑'], ['Alt', SHIFT, '↓']],
    ['shortcuts', ['?'], [MODIFIER, '/']],
    ['close', ['Esc']],
  ],
  inbox: [
    ['rows', ['↑'], ['↓']],
    ['row-menu', [SHIFT, 'F10'], ['→']],
  ],
  messages: [
    ['message-steps', ['↑'], ['↓']],
    ['message-actions', ['Enter']],
    ['message-reply', ['R']],
    ['message-edit', ['E']],
    ['message-react', ['+']],
    ['message-undo', [MODIFIER, 'Z']],
    ['message-leave', ['Esc']],
  ],
  composer: [
    ['send', ['Enter']],
    ['line', [SHIFT, 'Enter']],
    ['edit-last', ['↑']],
  ],
};

/** Show which keys there are. */
export function showShortcuts() {
  return showDialog((close) => html`<${Shortcuts} close=${close} />`);
}

function Shortcuts({ close }) {
  return html`<${Dialog} title=${t('shortcuts.title')} onClose=${() => close()}>
    <div class="shortcuts">
      ${Object.entries(GROUPS).map(
        ([name, keys]) => html`<section key=${name}>
          <h3 class="details-heading">${t(`shortcuts.${name}`)}</h3>
          <dl>
            ${keys.map(
              ([key, ...alternatives]) => html`<div class="shortcut" key=${key}>
                <dt>${t(`shortcuts.${key}`)}</dt>
                <dd>${alternatives.map((each) => html`<span class="shortcut-keys">${each.map((one) => html`<kbd>${one}</kbd>`)}</span>`)}</dd>
              </div>`,
            )}
          </dl>
        </section>`,
      )}
    </div>
    <${Checkbox}
      isSwitch
      label=${t('shortcuts.single')}
      hint=${t('shortcuts.single.hint')}
      checked=${hasSingleKeys.value}
      onChange=${({ target }) => setSingleKeys(target.checked)}
    />
  <//>`;
}
