import { html } from '../preact.js';
import { me } from '../chat.js';
import { goToConversation } from '../router.js';
import { t } from '../text.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { directId } from './direct.js';
import { PersonPicker } from './picker.js';

/** Choose a person, and show the conversation with them. */
export async function chooseAndWrite() {
  const user = await showDialog(
    (close) => html`<${Dialog} title=${t('people.new-message')} onClose=${() => close()}>
      <${PersonPicker}
        label=${t('people.find')}
        onChoose=${close}
        mark=${(each) => each.id === me.value?.id && html`<span class="tag">${t('conversation.notes')}</span>`}
      />
    <//>`,
  );
  if (user) goToConversation(directId(user.id));
}
