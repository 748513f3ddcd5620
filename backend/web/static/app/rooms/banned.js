import { api } from '../chat.js';
import { nameOf } from '../people.js';
import { html, useEffect, useState } from '../preact.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import { useKeptFocus } from '../ui/kept-focus.js';
import { toast, toastError } from '../ui/toast.js';

/** Who is banned from a room, for its admins. @param {{room: any, members: any[]}} props  `members`: a ban takes one of them away */
export function BannedUsers({ room, members }) {
  const [banned, setBanned] = useState([]);
  const load = () => api.all(`/api/rooms/${room.id}/members?banned=true&limit=100`).then(setBanned, toastError);
  useEffect(() => {
    void load();
  }, [room.id, members.length]);
  useKeptFocus(banned.length, '.panel');
  if (!banned.length) return null;
  const unban = async (user) => {
    try {
      await api.patch(`/api/rooms/${room.id}/members/${user.id}`, { is_banned: false });
      void toast(t('room.member.unban.done', { name: nameOf(user) }), { kind: 'success' });
    } catch (error) {
      toastError(error);
    }
    await load();
  };
  return html`<section class="details-section">
    <div class="details-heading"><h3>${t('room.banned')}</h3></div>
    <ul class="members">
      ${banned.map(
        ({ user }) => html`<li class="member" key=${user.id}>
          <${Avatar} user=${user} size="small" />
          <span class="member-name" dir="auto">${nameOf(user)}</span>
          <${Button} size="small" onClick=${() => unban(user)} aria-label=${t('room.member.unban.label', { name: nameOf(user) })}>
            ${t('room.member.unban')}
          <//>
        </li>`,
      )}
    </ul>
  </section>`;
}
