import { api, me } from '../chat.js';
import { html, useState } from '../preact.js';
import { withFreshSession } from '../session/fresh.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { showDialog } from '../ui/dialog.js';
import { download } from '../ui/download.js';
import { toast, toastError } from '../ui/toast.js';
import { EraseDialog } from './erase.js';
import { Section } from './section.js';

/** What the server has of the user: a copy of it, and its end. */
export function Data() {
  const [busy, setBusy] = useState('');
  const get = (format) => async () => {
    setBusy(format);
    try {
      const answer = await withFreshSession(() => api.get(`/api/users/me/export?format=${format}`));
      const blob = format === 'zip' ? answer : new Blob([JSON.stringify(answer, null, 2)], { type: 'application/json' });
      download(blob, `confab-${me.value.username}.${format}`);
      toast(t('data.exported'), { kind: 'success' });
    } catch (error) {
      toastError(error);
    } finally {
      setBusy('');
    }
  };
  const erase = () => showDialog((close) => html`<${EraseDialog} onClose=${close} />`);
  return html`<${Section} title=${t('data.export')} text=${t('data.export-text')}>
      <div class="form-actions">
        <${Button} icon="download" isBusy=${busy === 'zip'} disabled=${Boolean(busy)} onClick=${get('zip')}>${t('data.zip')}<//>
        <${Button} icon="download" isBusy=${busy === 'json'} disabled=${Boolean(busy)} onClick=${get('json')}>${t('data.json')}<//>
      </div>
      <p class="setting-note" role="status">${busy && t('data.busy')}</p>
    <//>
    <${Section} title=${t('erase.title')} text=${t('erase.text')} isDanger>
      <${Button} class="button-danger-quiet" icon="trash" onClick=${erase}>${t('erase.begin')}<//>
    <//>`;
}
