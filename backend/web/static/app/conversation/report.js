import { api } from '../chat.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { Field, Form } from '../ui/form.js';
import { toast } from '../ui/toast.js';

const LONGEST = 1000;

/** Ask why a message is to be looked at by an administrator, and report it. */
export async function showReport(message) {
  const isReported = await showDialog((close) => html`<${Report} message=${message} onClose=${close} />`);
  if (isReported) void toast(t('report.done'), { kind: 'success' });
}

function Report({ message, onClose }) {
  const submit = async ({ reason }) => {
    await api.post(`/api/chat/messages/${message.id}/report`, { reason });
    onClose(true);
  };
  return html`<${Dialog} title=${t('report.title')} size="small" onClose=${() => onClose()}>
    <${Form}
      onSubmit=${submit}
      action=${t('report.action')}
      secondary=${html`<${Button} kind="quiet" onClick=${() => onClose()}>${t('action.cancel')}<//>`}
    >
      <p>${t('report.text')}</p>
      <${Field} name="reason" label=${t('report.reason')} rows="3" required maxlength=${LONGEST} autofocus />
    <//>
  <//>`;
}
