import { api } from '../chat.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { Field, Form } from '../ui/form.js';
import { enterRoom } from './enter.js';

const MAX_NAME = 100;
const MAX_DESCRIPTION = 4000;

/** Ask for the name of a new room, create it, and show it. */
export function createRoom() {
  return showDialog((close) => {
    const submit = async (fields) => {
      const room = await api.post('/api/rooms', bodyOf(fields));
      close(room);
      await enterRoom(room);
    };
    return html`<${Dialog} title=${t('rooms.create')} onClose=${close}>
      <${RoomForm} action=${t('rooms.create.action')} onSubmit=${submit} onCancel=${close} />
    <//>`;
  });
}

/** Change the name, the description and the visibility of a room. @param {any} room */
export function editRoom(room) {
  return showDialog((close) => {
    const submit = async (fields) => close(await api.patch(`/api/rooms/${room.id}`, bodyOf(fields)));
    return html`<${Dialog} title=${t('room.settings')} onClose=${close}>
      <${RoomForm} room=${room} action=${t('action.save')} onSubmit=${submit} onCancel=${close} />
    <//>`;
  });
}

function bodyOf({ name, description, visibility }) {
  return { name, description: description.trim() || null, is_public: visibility === 'public' };
}

function RoomForm({ room, action, onSubmit, onCancel }) {
  return html`<${Form} action=${action} onSubmit=${onSubmit} secondary=${html`<${Button} onClick=${() => onCancel()}>${t('action.cancel')}<//>`}>
    <${Field} name="name" label=${t('room.name')} maxlength=${MAX_NAME} defaultValue=${room?.name ?? ''} required autofocus autocomplete="off" />
    <${Field}
      name="description"
      label=${t('room.description')}
      hint=${t('room.description.hint')}
      maxlength=${MAX_DESCRIPTION}
      rows="3"
      defaultValue=${room?.description ?? ''}
    />
    <fieldset class="choices">
      <legend class="field-label">${t('room.visibility')}</legend>
      <${Choice} value="public" isChecked=${room?.is_public ?? true} />
      <${Choice} value="private" isChecked=${room ? !room.is_public : false} />
    </fieldset>
  <//>`;
}

function Choice({ value, isChecked }) {
  const id = `visibility-${value}`;
  return html`<div class="choice">
    <input type="radio" name="visibility" id=${id} value=${value} defaultChecked=${isChecked} aria-describedby=${`${id}-hint`} />
    <label for=${id}>${t(`room.${value}`)}</label>
    <span class="field-hint" id=${`${id}-hint`}>${t(`room.${value}.hint`)}</span>
  </div>`;
}
