import { api, me } from '../chat.js';
import { nameOf } from '../people.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Dialog, showDialog } from '../ui/dialog.js';
import { Field, Form } from '../ui/form.js';
import { toast } from '../ui/toast.js';

/** Give a room to another member, who is chosen. @param {any} room @param {any[]} members */
export function transferRoom(room, members) {
  const others = members.filter(({ user }) => user && user.id !== me.value?.id);
  const options = others
    .map(({ user }) => ({ value: String(user.id), label: `${nameOf(user)} (@${user.username})` }))
    .sort((a, b) => a.label.localeCompare(b.label));
  return showDialog((close) => {
    const submit = async ({ user_id }) => {
      await api.post(`/api/rooms/${room.id}/transfer`, { user_id: Number(user_id) });
      close();
      const { user } = others.find((each) => each.user.id === Number(user_id));
      void toast(t('room.transfer.done', { name: nameOf(user), room: room.name }), { kind: 'success' });
    };
    return html`<${Dialog} title=${t('room.transfer.title', { name: room.name })} size="small" onClose=${() => close()}>
      <${Form}
        action=${t('room.transfer')}
        onSubmit=${submit}
        secondary=${html`<${Button} onClick=${() => close()}>${t('action.cancel')}<//>`}
      >
        <p>${t('room.transfer.text')}</p>
        <${Field} name="user_id" label=${t('room.transfer.to')} options=${options} autofocus />
      <//>
    <//>`;
  });
}
