import { api } from '../chat.js';
import { conversationHref, openPanel } from '../router.js';
import { t } from '../text.js';
import { copyText } from '../ui/copy.js';
import { confirm } from '../ui/dialog.js';
import { toast, toastError } from '../ui/toast.js';
import { deleteWithUndo } from './deletion.js';
import { startEdit } from './local-state.js';
import { permissions } from './place.js';

/** Show the thread that a message is in, or begins. */
export function openThread({ id, parent_id: parentId }) {
  openPanel(`thread:${parentId ?? id}`);
}

/** The menu of a message: what the user may do with it. */
export function menuItems(message, place) {
  const may = permissions(message, place);
  return [
    may.mayReply &&
      !place.isThread && { label: t('message.reply'), icon: 'thread', shortcut: 'R', onSelect: () => openThread(message) },
    may.mayEdit && { label: t('action.edit'), icon: 'edit', shortcut: 'E', onSelect: () => startEdit(message, place.isThread) },
    message.content && { label: t('message.copy'), icon: 'copy', onSelect: () => copy(message.content) },
    !message.deleted_at && { label: t('message.copy-link'), icon: 'link', onSelect: () => copy(linkTo(message)) },
    may.mayPin && {
      label: t(message.is_pinned ? 'message.unpin' : 'message.pin'),
      icon: 'pin',
      onSelect: () => setPinned(message, !message.is_pinned),
    },
    !place.isThread &&
      !may.isOwn && { label: t('message.mark-unread'), icon: 'unread', onSelect: () => markUnread(message, place) },
    (may.mayReport || may.mayDelete || may.mayWipe) && 'line',
    may.mayReport && { label: t('message.report'), icon: 'flag', onSelect: () => report(message) },
    may.mayDelete && { label: t('action.delete'), icon: 'trash', isDanger: true, onSelect: () => deleteWithUndo(message, place) },
    may.mayWipe && { label: t('message.wipe'), icon: 'trash', isDanger: true, onSelect: () => wipe(message, place) },
  ].filter(Boolean);
}

const linkTo = ({ conversation_id: id, seq }) => new URL(conversationHref(id, { seq }), location.href).href;

/** Do something with the server, and tell of its failure. */
async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    toastError(error);
  }
}

function copy(text) {
  return attempt(async () => {
    await copyText(text);
    void toast(t('action.copied'), { kind: 'success' });
  });
}

/** Pin a message, or unpin it. The event of the change brings it to everybody. */
export function setPinned(message, isPinned) {
  const path = `/api/chat/messages/${message.id}/pin`;
  return attempt(async () => {
    await (isPinned ? api.put(path) : api.delete(path));
    void toast(t(isPinned ? 'message.pinned-now' : 'message.unpinned-now'), { kind: 'success' });
  });
}

function markUnread(message, { conversation }) {
  return attempt(async () => {
    await conversation.unread(message.seq);
    void toast(t('message.unread-now'), { kind: 'success' });
  });
}

function report(message) {
  return attempt(async () => (await import('./report.js')).showReport(message));
}

async function wipe(message, { conversation }) {
  const isSure = await confirm({ title: t('wipe.title'), text: t('wipe.text'), action: t('wipe.action'), isDanger: true });
  if (isSure) await attempt(() => conversation.remove(message.id, { hard: true }));
}
