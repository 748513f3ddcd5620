import { api } from '../chat.js';
import { PersonPicker } from '../people/picker.js';
import { nameOf } from '../people.js';
import { html, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { toastError } from '../ui/toast.js';

/** Add people to a room, one after the other. @param {any} room @param {any[]} members */
export function addPeople(room, members) {
  return showDialog((close) => html`<${AddPeople} room=${room} members=${members} close=${close} />`);
}

function AddPeople({ room, members, close }) {
  const [added, setAdded] = useState([]);
  const add = async (user) => {
    try {
      await api.put(`/api/rooms/${room.id}/members/${user.id}`);
      setAdded((before) => [...before, user]);
    } catch (error) {
      toastError(error);
    }
  };
  return html`<${Dialog}
    title=${t('room.add-people.title', { name: room.name })}
    onClose=${() => close()}
    footer=${html`<p class="dialog-note" role="status" dir="auto">
        ${added.length > 0 && t('room.add-people.added', { count: added.length, name: nameOf(added.at(-1)) })}
      </p>
      <${Button} kind="primary" onClick=${() => close()}>${t('action.done')}<//>`}
  >
    <${PersonPicker}
      label=${t('people.find')}
      onChoose=${add}
      excluded=${new Set([...members.map(({ user }) => user.id), ...added.map(({ id }) => id)])}
      mark=${() => html`<span class="tag">${t('action.add')}</span>`}
    />
  <//>`;
}
