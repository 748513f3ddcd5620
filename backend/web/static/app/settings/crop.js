import { html, useEffect, useRef, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';

const SIZE = 512;
const STEP = 16;
const MOVES = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * Asks which square of a picture to take. `onClose` gets it as a Blob, or nothing if the user leaves the dialog.
 * @param {{image: ImageBitmap, onClose: (square?: Blob) => void}} props
 */
export function CropDialog({ image, onClose }) {
  const canvas = useRef(null);
  const held = useRef(null);
  const [zoom, setZoom] = useState(1);
  // Where the middle of the square is in the picture, in its pixels.
  const [middle, setMiddle] = useState({ x: image.width / 2, y: image.height / 2 });
  const side = Math.min(image.width, image.height) / zoom;
  const within = ({ x, y }) => ({
    x: clamp(x, side / 2, image.width - side / 2),
    y: clamp(y, side / 2, image.height - side / 2),
  });
  const { x, y } = within(middle);
  useEffect(() => {
    const context = canvas.current.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.clearRect(0, 0, SIZE, SIZE);
    context.drawImage(image, x - side / 2, y - side / 2, side, side, 0, 0, SIZE, SIZE);
  });
  const move = (dx, dy, scale) => setMiddle(within({ x: x - dx * scale, y: y - dy * scale }));
  const onPointerDown = (event) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    held.current = { x: event.clientX, y: event.clientY };
  };
  const onPointerMove = ({ clientX, clientY }) => {
    if (!held.current) return;
    move(clientX - held.current.x, clientY - held.current.y, side / canvas.current.clientWidth);
    held.current = { x: clientX, y: clientY };
  };
  const onKeyDown = (event) => {
    const by = MOVES[event.key];
    if (!by) return;
    event.preventDefault();
    move(by[0] * STEP, by[1] * STEP, side / SIZE);
  };
  const save = () => canvas.current.toBlob((blob) => onClose(blob), 'image/webp', 0.9);
  return html`<${Dialog}
    title=${t('picture.crop')}
    size="small"
    onClose=${() => onClose()}
    footer=${html`<${Button} onClick=${() => onClose()}>${t('action.cancel')}<//>
      <${Button} kind="primary" autofocus onClick=${save}>${t('picture.use')}<//>`}
  >
    <canvas
      ref=${canvas}
      class="crop"
      width=${SIZE}
      height=${SIZE}
      tabindex="0"
      role="application"
      aria-label=${t('picture.crop-label')}
      onPointerDown=${onPointerDown}
      onPointerMove=${onPointerMove}
      onPointerUp=${() => {
        held.current = null;
      }}
      onPointerCancel=${() => {
        held.current = null;
      }}
      onKeyDown=${onKeyDown}
    ></canvas>
    <label class="crop-zoom">
      <span>${t('picture.zoom')}</span>
      <input type="range" min="1" max="4" step="0.05" value=${zoom} onInput=${(event) => setZoom(Number(event.target.value))} />
    </label>
    <p class="field-hint">${t('picture.crop-hint')}</p>
  <//>`;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
