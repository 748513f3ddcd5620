import { api } from '../chat.js';
import { html } from '../preact.js';
import { inviteCode } from '../session/invite-code.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { Field, Form } from '../ui/form.js';
import { enterRoom } from './enter.js';

/** Ask for an invite, join its room, and show it. */
export function joinByCode() {
  return showDialog((close) => {
    const submit = async ({ code }) => {
      const room = await api.post('/api/rooms/join', { code: inviteCode(code) });
      close(room);
      await enterRoom(room);
    };
    return html`<${Dialog} title=${t('rooms.join')} size="small" onClose=${close}>
      <${Form}
        action=${t('rooms.join.action')}
        onSubmit=${submit}
        secondary=${html`<${Button} onClick=${() => close()}>${t('action.cancel')}<//>`}
      >
        <${Field}
          name="code"
          label=${t('rooms.join.code')}
          hint=${t('rooms.join.hint')}
          autocomplete="off"
          autocapitalize="off"
          spellcheck=${false}
          required
          autofocus
        />
      <//>
    <//>`;
  });
}
