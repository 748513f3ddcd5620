import { me } from '../chat.js';
import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { CopyButton } from '../ui/copy.js';
import { Dialog } from '../ui/dialog.js';
import { download } from '../ui/download.js';

/** Shows new recovery codes, the only time that they can be read. */
export function CodesDialog({ codes, onClose }) {
  const [isKept, setKept] = useState(false);
  const text = `${codes.join('\n')}\n`;
  const save = () => {
    download(new Blob([text], { type: 'text/plain' }), `confab-recovery-codes-${me.value.username}.txt`);
    setKept(true);
  };
  return html`<${Dialog}
    title=${t('codes.title')}
    size="small"
    onClose=${() => isKept && onClose()}
    footer=${html`<${Button} kind="primary" disabled=${!isKept} onClick=${() => onClose()}>${t('codes.done')}<//>`}
  >
    <p class="dialog-lead">${t('codes.text')}</p>
    <ol class="recovery-codes" dir="ltr">${codes.map((code) => html`<li key=${code}><code>${code}</code></li>`)}</ol>
    <div class="form-actions">
      <${CopyButton} text=${text} label=${t('codes.copy')} autofocus />
      <${Button} size="small" icon="download" onClick=${save}>${t('codes.download')}<//>
    </div>
    <label class="choice codes-kept">
      <input type="checkbox" checked=${isKept} onChange=${(event) => setKept(event.target.checked)} />
      <span>${t('codes.kept')}</span>
    </label>
  <//>`;
}
