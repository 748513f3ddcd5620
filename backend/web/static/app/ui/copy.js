import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from './button.js';
import { toast } from './toast.js';

/** Put a text on the clipboard, also where the page has no secure connection. @param {string} text */
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  const before = document.activeElement;
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  before?.focus?.();
  if (!isCopied) throw new Error('The browser copied nothing.');
}

/** A button that copies a text, and says so. @param {{text: string, label?: string}} props */
export function CopyButton({ text, label = t('action.copy'), ...rest }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await copyText(text);
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
