import { api } from '../chat.js';
import { nameOf } from '../people.js';
import { signal } from '../preact.js';
import { t } from '../text.js';
import { confirm } from '../ui/dialog.js';
import { toast, toastError } from '../ui/toast.js';

/** The ids of the users whom the signed-in user blocks, or null before they are loaded. */
export const blocked = signal(null);

/** Load whom the signed-in user blocks. */
export async function loadBlocks() {
  const users = await api.all('/api/users/me/blocks?limit=100');
  blocked.value = new Set(users.map(({ id }) => id));
}

/** Block a user, after a question, or end it. @param {any} user @param {boolean} isBlocked */
export async function setBlocked(user, isBlocked) {
  const name = nameOf(user);
  const question = {
    title: t('person.block.title', { name }),
    text: t('person.block.text'),
    action: t('person.block'),
    isDanger: true,
  };
  if (isBlocked && !(await confirm(question))) return;
  try {
    await (isBlocked ? api.put(`/api/users/me/blocks/${user.id}`) : api.delete(`/api/users/me/blocks/${user.id}`));
    await loadBlocks();
    void toast(t(isBlocked ? 'person.blocked' : 'person.unblocked', { name }), { kind: 'success' });
  } catch (error) {
    toastError(error);
  }
}
