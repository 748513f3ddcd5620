import { ApiError, api, me } from '../chat.js';
import { html } from '../preact.js';
import { go, openPanel, route } from '../router.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { confirm, Dialog, showDialog } from '../ui/dialog.js';
import { Field, Form } from '../ui/form.js';
import { toast, toastError } from '../ui/toast.js';

/** Leave a room, after a question. Its owner is told to transfer or delete it. @param {any} room */
export async function leaveRoom(room) {
  if (room.owner_id === me.value?.id) return ownerMustTransfer(room).catch(toastError);
  const text = t(room.is_public ? 'room.leave.text' : 'room.leave.text-private');
  if (!(await confirm({ title: t('room.leave.title', { name: room.name }), text, action: t('room.leave'), isDanger: true })))
    return;
  try {
    await api.post(`/api/rooms/${room.id}/leave`);
    leavePane(room);
    void toast(t('room.left', { name: room.name }), { kind: 'success' });
  } catch (error) {
    toastError(error);
  }
}

/** What is shown of a room that one is not in any more is closed. */
function leavePane(room) {
  if (route.value.path[1] === room.conversation_id) go([]);
}

async function ownerMustTransfer({ id }) {
  const room = await api.get(`/api/rooms/${id}`); // the number of members is as of now
  const isAlone = room.member_count < 2;
  const isAgreed = await confirm({
    title: t('room.leave.title', { name: room.name }),
    text: t(isAlone ? 'room.leave.owner-alone' : 'room.leave.owner'),
    action: t(isAlone ? 'room.delete' : 'room.leave.choose-owner'),
    isDanger: isAlone,
  });
  if (!isAgreed) return;
  if (isAlone) await deleteRoom(room);
  else if (route.value.path[1] === room.conversation_id) openPanel('details');
  else go(['c', room.conversation_id], { panel: 'details' });
}

/** Delete a room, after its name was typed. @param {any} room */
export function deleteRoom(room) {
  return showDialog((close) => {
    const submit = async ({ name }, form) => {
      if (name.trim() !== room.name) {
        form.elements.name.focus();
        const detail = t('room.delete.differs');
        throw new ApiError(422, 'differs', detail, undefined, { name: [detail] });
      }
      await api.delete(`/api/rooms/${room.id}`);
      close(true);
      leavePane(room);
      void toast(t('room.deleted', { name: room.name }), { kind: 'success' });
    };
    return html`<${Dialog} title=${t('room.delete.title', { name: room.name })} size="small" onClose=${close}>
      <${Form}
        action=${t('room.delete')}
        isDanger
        onSubmit=${submit}
        secondary=${html`<${Button} onClick=${() => close()}>${t('action.cancel')}<//>`}
      >
        <p>${t('room.delete.text')}</p>
        <${Field} name="name" label=${t('room.delete.name')} hint=${room.name} autocomplete="off" required autofocus />
      <//>
    <//>`;
  });
}
