import { html, useEffect, useState } from '../preact.js';
import { t } from '../text.js';
import { Icon } from '../ui/icon.js';
import { filesOf } from './files.js';

/**
 * Takes the files that are dropped anywhere on the element around it, and says so while they are held above.
 * @param {{target: {current: HTMLElement | null}, onFiles: (files: File[]) => void}} props
 */
export function DropZone({ target, onFiles }) {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const element = target.current?.closest('.conversation, .panel');
    if (!element) return;
    let depth = 0; // `dragleave` comes for each child too
    const hasFiles = (event) => event.dataTransfer?.types.includes('Files');
    const listeners = {
      dragenter: (event) => {
        if (!hasFiles(event)) return;
        depth += 1;
        setOver(true);
      },
      dragleave: (event) => {
        if (!hasFiles(event)) return;
        depth -= 1;
        setOver(depth > 0);
      },
      dragover: (event) => hasFiles(event) && event.preventDefault(),
      drop: (event) => {
        depth = 0;
        setOver(false);
        if (!hasFiles(event)) return;
        event.preventDefault();
        onFiles(filesOf(event.dataTransfer));
      },
    };
    for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) element.removeEventListener(name, listener);
    };
  }, []);
  return isOver && html`<div class="drop-zone"><${Icon} name="paperclip" />${t('composer.drop')}</div>`;
}
