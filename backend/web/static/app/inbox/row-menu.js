import { api, chat, inbox, me } from '../chat.js';
import { titleOf } from '../people.js';
import { html, useMemo } from '../preact.js';
import { leaveRoom } from '../rooms/leave.js';
import { conversationHref } from '../router.js';
import { t } from '../text.js';
import { copyText } from '../ui/copy.js';
import { MenuPopup } from '../ui/menu.js';
import { toast, toastError } from '../ui/toast.js';

/** What can be done with a conversation of the inbox. @param {{id: string, anchor: HTMLElement, point?: any, onClose: () => void}} props */
export function RowMenu({ id, anchor, point, onClose }) {
  const row = useMemo(() => inbox.peek().find((each) => each.id === id), [id]);
  if (!row) return null;
  const change = (settings) => chat.conversation(id).update(settings).catch(toastError);
  const isOwn = row.user?.id === me.value?.id;
  return html`<${MenuPopup}
    anchor=${anchor}
    point=${point}
    label=${t('inbox.menu', { name: titleOf(row) })}
    onClose=${onClose}
    items=${[
      row.is_pinned
        ? { label: t('inbox.unpin'), icon: 'pin', onSelect: () => change({ is_pinned: false }) }
        : { label: t('inbox.pin'), icon: 'pin', onSelect: () => change({ is_pinned: true }) },
      row.is_muted
        ? { label: t('inbox.unmute'), icon: 'bell', onSelect: () => change({ is_muted: false }) }
        : { label: t('inbox.mute'), icon: 'bell-off', onSelect: () => change({ is_muted: true }) },
      row.unread_count > 0 && {
        label: t('inbox.mark-read'),
        icon: 'check',
        onSelect: () => chat.conversation(id).read(row.last_seq),
      },
      row.unread_count === 0 &&
        row.last_seq > 0 &&
        !isOwn && { label: t('inbox.mark-unread'), icon: 'unread', onSelect: () => markUnread(id) },
      'line',
      { label: t('inbox.copy-link'), icon: 'link', onSelect: () => copyLink(id) },
      row.kind === 'room' && { label: t('room.leave'), icon: 'door', isDanger: true, onSelect: () => leaveRoom(row.room) },
    ]}
  />`;
}

/** Copy the address of a conversation. @param {string} id */
export async function copyLink(id) {
  try {
    await copyText(new URL(conversationHref(id), location.href).href);
    void toast(t('inbox.link-copied'), { kind: 'success' });
  } catch {
    void toast(t('error.copy'), { kind: 'error' });
  }
}

/** Only what others wrote can be unread, so the mark goes before the last message of another one. @param {string} id */
async function markUnread(id) {
  try {
    const last = await api.get(`/api/chat/messages?conversation_id=${id}&limit=100`);
    const message = last.find(({ sender_id, deleted_at }) => sender_id !== me.value.id && !deleted_at);
    if (message) await chat.conversation(id).unread(message.seq);
    else void toast(t('inbox.nothing-unread'));
  } catch (error) {
    toastError(error);
  }
}
