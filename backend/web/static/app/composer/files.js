import { html, useEffect, useState } from '../preact.js';
import { formatSize, t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { Icon } from '../ui/icon.js';

/** The most files that a message may have. */
export const MOST_FILES = 10;

/** The files that will be sent with the message, each with a way to take it out. */
export function ChosenFiles({ files, onRemove }) {
  if (!files.length) return null;
  return html`<ul class="chosen-files" aria-label=${t('composer.files')}>
    ${files.map(
      (file, index) => html`<li class="chosen-file" key=${`${file.name} ${file.lastModified} ${index}`}>
        <${Preview} file=${file} />
        <span class="chosen-file-text">
          <span class="chosen-file-name" dir="auto">${file.name}</span>
          <span class="chosen-file-size">${formatSize(file.size)}</span>
        </span>
        <${IconButton}
          icon="close"
          size="small"
          label=${t('composer.remove-file', { name: file.name })}
          onClick=${() => onRemove(index)}
        />
      </li>`,
    )}
  </ul>`;
}

/** A small picture of a file, or a sign. The picture is read from the file itself. */
export function Preview({ file }) {
  const [url, setUrl] = useState('');
  useEffect(() => {
    if (!file.type.startsWith('image/') || !(file instanceof Blob)) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return html`<span class="chosen-file-preview">
    ${url ? html`<img src=${url} alt="" />` : html`<${Icon} name=${file.type.startsWith('image/') ? 'image' : 'file'} />`}
  </span>`;
}

/** The files of a paste or a drop. @param {DataTransfer | null} transfer */
export function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}
