import { html, useEffect, useRef, useState } from '../preact.js';
import { formatSize, t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { toastError } from '../ui/toast.js';
import { attachmentLink, download } from './attachment-links.js';

const WIDEST = 400;
const HIGHEST = 300;
const SMALLEST = 48;

/** The files of a message. @param {{attachments: any[]}} props */
export function Attachments({ attachments }) {
  const pictures = attachments.filter(isPicture);
  const others = attachments.filter((each) => !isPicture(each));
  return html`<div class="attachments">
    ${
      pictures.length > 0 &&
      html`<div class="message-pictures">
        ${pictures.map((each, index) => html`<${Picture} key=${each.id} attachment=${each} onOpen=${() => openLightbox(pictures, index)} />`)}
      </div>`
    }
    ${others.map((each) => html`<${Other} key=${each.id} attachment=${each} />`)}
  </div>`;
}

const isPicture = ({ content_type: type, width, thumbnail_url: thumbnail }) => type.startsWith('image/') && width && thumbnail;

async function openLightbox(pictures, index) {
  try {
    const { showLightbox } = await import('./lightbox.js');
    await showLightbox(pictures, index);
  } catch (error) {
    toastError(error);
  }
}

/** The size at which a picture is shown: known before it is loaded, so that nothing moves. */
function sizeOf({ width, height }) {
  const scale = Math.min(1, WIDEST / width, HIGHEST / height);
  return { width: Math.max(SMALLEST, Math.round(width * scale)), height: Math.max(SMALLEST, Math.round(height * scale)) };
}

function Picture({ attachment, onOpen }) {
  const { filename } = attachment;
  const { width, height } = sizeOf(attachment);
  const [element, link, renew] = useLink(attachment.id, true);
  return html`<button
    ref=${element}
    type="button"
    class="message-picture"
    tabindex="-1"
    style=${{ width: `${width}px`, aspectRatio: `${width} / ${height}` }}
    aria-label=${t('attachment.open', { name: filename })}
    onClick=${onOpen}
  >
    ${link && html`<img src=${link} alt="" width=${width} height=${height} decoding="async" onError=${renew} />`}
  </button>`;
}

/** The address of a file once its element comes near the window, and what asks for a new one. */
function useLink(id, isThumbnail) {
  const element = useRef(null);
  const [link, setLink] = useState('');
  const renewed = useRef(0);
  const load = (isNew) => attachmentLink(id, { isThumbnail, isNew }).then(setLink, () => {});
  useEffect(() => whenNear(element.current, () => load(false)), [id]);
  const renew = () => {
    renewed.current += 1;
    if (renewed.current < 3) load(true);
  };
  return [element, link, renew];
}

/** @type {WeakMap<Element, () => void>} */
const waiting = new WeakMap();
let observer;

function whenNear(element, action) {
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        waiting.get(target)?.();
      }
    },
    { rootMargin: '800px' },
  );
  waiting.set(element, action);
  observer.observe(element);
  return () => observer.unobserve(element);
}

function Other({ attachment }) {
  const { content_type: type, filename, size } = attachment;
  const kind = /^(audio|video)\//.exec(type)?.[1];
  const save = () => download(attachment).catch(toastError);
  return html`<div class="file">
    ${kind && html`<${Player} attachment=${attachment} kind=${kind} />`}
    <div class="file-row">
      <span class="file-icon"><${Icon} name=${type.startsWith('image/') ? 'image' : 'file'} /></span>
      <span class="file-text">
        <span class="file-name" dir="auto" title=${filename}>${filename}</span>
        <span class="file-size">${formatSize(size)}</span>
      </span>
      <${IconButton} icon="download" tabindex="-1" label=${t('attachment.download', { name: filename })} onClick=${save} />
    </div>
  </div>`;
}

function Player({ attachment, kind: Tag }) {
  const [element, link, renew] = useLink(attachment.id, false);
  return html`<${Tag}
    ref=${element}
    class="player"
    controls
    preload="metadata"
    tabindex="-1"
    aria-label=${attachment.filename}
    src=${link || undefined}
    onError=${link ? renew : undefined}
  />`;
}
