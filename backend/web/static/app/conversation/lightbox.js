import { html, useEffect, useState } from '../preact.js';
import { formatSize, t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { Failure, Loading } from '../ui/states.js';
import { toastError } from '../ui/toast.js';
import { attachmentLink, download } from './attachment-links.js';

/** Show pictures one at a time in full size. @param {any[]} pictures attachments @param {number} first the index of the first */
export function showLightbox(pictures, first) {
  return showDialog((close) => html`<${Lightbox} pictures=${pictures} first=${first} onClose=${close} />`);
}

function Lightbox({ pictures, first, onClose }) {
  const [index, setIndex] = useState(first);
  const [isActual, setActual] = useState(false);
  const attachment = pictures[index];
  const step = (count) => {
    setIndex((index + count + pictures.length) % pictures.length);
    setActual(false);
  };
  const isRtl = document.documentElement.dir === 'rtl';
  const onKeyDown = ({ key }) => {
    const direction = { ArrowLeft: isRtl ? 1 : -1, ArrowRight: isRtl ? -1 : 1 }[key];
    if (direction && pictures.length > 1 && !isActual) step(direction);
  };
  const hasOthers = pictures.length > 1;
  return html`<${Dialog} isBare title=${t('lightbox.title', { name: attachment.filename })} class="lightbox" onClose=${onClose}>
    <div class="lightbox-frame" onKeyDown=${onKeyDown}>
      <header class="lightbox-bar">
        <p class="lightbox-name"><span dir="auto">${attachment.filename}</span> · ${formatSize(attachment.size)}</p>
        ${hasOthers && html`<p class="lightbox-count" role="status">${t('lightbox.count', { number: index + 1, count: pictures.length })}</p>`}
        <${IconButton}
          icon="search"
          isPressed=${isActual}
          label=${t('lightbox.actual-size')}
          onClick=${() => setActual(!isActual)}
        />
        <${IconButton}
          icon="download"
          label=${t('attachment.download', { name: attachment.filename })}
          onClick=${() => download(attachment).catch(toastError)}
        />
        <${IconButton} icon="close" autofocus label=${t('action.close')} onClick=${() => onClose()} />
      </header>
      <${FullPicture} key=${attachment.id} attachment=${attachment} isActual=${isActual} onPress=${() => setActual(!isActual)} />
      ${
        hasOthers &&
        html`<${IconButton} icon="back" class="lightbox-step icon-directed" label=${t('lightbox.previous')} onClick=${() => step(-1)} />
          <${IconButton} icon="chevron-right" class="lightbox-step is-next icon-directed" label=${t('lightbox.next')} onClick=${() => step(1)} />`
      }
    </div>
  <//>`;
}

function FullPicture({ attachment, isActual, onPress }) {
  const [link, setLink] = useState('');
  const [error, setError] = useState(null);
  const [isLoaded, setLoaded] = useState(false);
  const load = (isNew) => {
    setError(null);
    attachmentLink(attachment.id, { isNew }).then(setLink, setError);
  };
  useEffect(() => load(false), []);
  if (error) return html`<${Failure} error=${error} retry=${() => load(true)} />`;
  return html`<div class=${`lightbox-picture ${isActual ? 'is-actual' : ''}`} tabindex=${isActual ? 0 : undefined}>
    ${!isLoaded && html`<${Loading} />`}
    ${
      link &&
      html`<img
        src=${link}
        alt=${attachment.filename}
        width=${attachment.width}
        height=${attachment.height}
        onLoad=${() => setLoaded(true)}
        onError=${() => setError({ detail: t('attachment.failed') })}
        onClick=${onPress}
      />`
    }
  </div>`;
}
