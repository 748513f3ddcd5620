import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from './button.js';
import { toast } from './toast.js';

/** A button that copies a text, and says so. @param {{text: string, label?: string}} props */
export function CopyButton({ text, label = t('action.copy'), ...rest }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), 2000);
    } catch {
      toast(t('error.copy'), { kind: 'error' });
    }
  };
  return html`<${Button} size="small" icon=${isCopied ? 'check' : 'copy'} aria-live="polite" onClick=${copy} ...${rest}>
    ${isCopied ? t('action.copied') : label}
  <//>`;
}
