import { html, useEffect, useState } from '../preact.js';
import { t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { toastError } from '../ui/toast.js';

const CONFIRMED_FOR = 2000;

/** Code of a message, with a button that copies it. @param {{text: string, language: string}} props */
export function CodeBlock({ text, language }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), CONFIRMED_FOR);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    try {
      const { copyText } = await import('../ui/copy.js');
      await copyText(text);
      setCopied(true);
    } catch (error) {
      toastError(error);
    }
  };
  return html`<div class="code-block" dir="ltr">
    <div class="code-bar">
      <span class="code-language">${language}</span>
      <${IconButton}
        icon=${isCopied ? 'check' : 'copy'}
        size="small"
        tabindex="-1"
        label=${t(isCopied ? 'markdown.copied' : 'markdown.copy')}
        onClick=${copy}
      />
    </div>
    <pre tabindex="-1"><code>${text}</code></pre>
  </div>`;
}
