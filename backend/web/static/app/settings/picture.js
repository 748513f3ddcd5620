import { api, chat, me } from '../chat.js';
import { html, useRef, useState } from '../preact.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import { showDialog } from '../ui/dialog.js';
import { toast, toastError } from '../ui/toast.js';
import { CropDialog } from './crop.js';

const AVATAR = '/api/users/me/avatar';

/** The picture of the user: chosen or dropped, cut to a square, removed. */
export function Picture() {
  const input = useRef(null);
  const [isBusy, setBusy] = useState(false);
  const [isTarget, setTarget] = useState(false);
  const during = async (action) => {
    setBusy(true);
    try {
      await action();
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  const take = async (file) => {
    if (!file) return;
    const image = await decoded(file);
    if (!image) return toast(t('picture.unreadable'), { kind: 'error' });
    const square = await showDialog((close) => html`<${CropDialog} image=${image} onClose=${close} />`);
    image.close();
    if (!square) return;
    await during(async () => {
      const form = new FormData();
      form.append('file', square, `picture.${square.type.split('/')[1]}`);
      chat.user.set(await api.put(AVATAR, form));
    });
  };
  const remove = () =>
    during(async () => {
      await api.delete(AVATAR);
      chat.user.set({ ...me.value, avatar_url: null });
    });
  const onDrop = (event) => {
    event.preventDefault();
    setTarget(false);
    take(event.dataTransfer.files[0]);
  };
  return html`<div
    class=${`own-picture ${isTarget ? 'is-target' : ''}`}
    onDragOver=${(event) => {
      event.preventDefault();
      setTarget(true);
    }}
    onDragLeave=${() => setTarget(false)}
    onDrop=${onDrop}
  >
    <${Avatar} user=${me.value} size="huge" />
    <div class="own-picture-actions">
      <${Button} icon="image" isBusy=${isBusy} onClick=${() => input.current.click()}>${t('picture.choose')}<//>
      ${me.value.avatar_url && html`<${Button} kind="quiet" disabled=${isBusy} onClick=${remove}>${t('picture.remove')}<//>`}
      <input
        ref=${input}
        type="file"
        accept="image/png,image/jpeg,image/webp,image/gif"
        hidden
        onChange=${() => {
          take(input.current.files[0]);
          input.current.value = '';
        }}
      />
    </div>
  </div>`;
}

/** @param {File} file @returns {Promise<ImageBitmap | null>} */
async function decoded(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    return null;
  }
}
