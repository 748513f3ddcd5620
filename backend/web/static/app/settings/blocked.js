import { api } from '../chat.js';
import { nameOf, remember } from '../people.js';
import { html } from '../preact.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import { Loaded, useLoad } from '../ui/load.js';
import { Empty } from '../ui/states.js';
import { toast, toastError } from '../ui/toast.js';
import { Section } from './section.js';

const BLOCKS = '/api/users/me/blocks';

/** Whom the user blocks. */
export function Blocked() {
  const blocked = useLoad(async () => {
    const users = await api.all(`${BLOCKS}?limit=100`);
    remember(users);
    return users;
  });
  const unblock = async (user) => {
    try {
      await api.delete(`${BLOCKS}/${user.id}`);
      blocked.set(blocked.value.filter(({ id }) => id !== user.id));
      toast(t('blocked.lifted', { name: nameOf(user) }), { kind: 'success' });
    } catch (error) {
      toastError(error);
    }
  };
  return html`<${Section} title=${t('blocked.title')} text=${t('blocked.text')}>
    <${Loaded} loaded=${blocked}>
      ${(users) =>
        users.length
          ? html`<ul class="setting-list">
              ${users.map(
                (user) => html`<li class="setting-row" key=${user.id}>
                  <${Avatar} user=${user} />
                  <div class="setting-row-text">
                    <p class="setting-row-name" dir="auto">${nameOf(user)}</p>
                    <p class="setting-row-facts" dir="auto">@${user.username}</p>
                  </div>
                  <${Button} size="small" aria-label=${t('blocked.lift-one', { name: nameOf(user) })} onClick=${() => unblock(user)}>
                    ${t('blocked.lift')}
                  <//>
                </li>`,
              )}
            </ul>`
          : html`<${Empty} isSmall icon="shield" title=${t('blocked.empty.title')} text=${t('blocked.empty.text')} />`}
    <//>
  <//>`;
}
