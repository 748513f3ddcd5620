import { api, inbox } from '../chat.js';
import { html, useEffect, useState } from '../preact.js';
import { conversationHref } from '../router.js';
import { t } from '../text.js';
import { Icon } from '../ui/icon.js';

const MOST_ROOMS = 20;
const MOST_MEMBERS = 100;

/** The members of the rooms that were looked at: ids, and when. @type {Map<number, {at: number, ids: Promise<Set<number>>}>} */
const known = new Map();
const FRESH = 300_000;

function memberIds(roomId) {
  const found = known.get(roomId);
  if (found && Date.now() - found.at < FRESH) return found.ids;
  const ids = api
    .get(`/api/rooms/${roomId}/members?limit=${MOST_MEMBERS}`)
    .then((members) => new Set(members.map(({ user }) => user.id)));
  known.set(roomId, { at: Date.now(), ids });
  ids.catch(() => known.delete(roomId));
  return ids;
}

/** The rooms that one shares with a user, of the latest and not too large ones. @param {{userId: number}} props */
export function SharedRooms({ userId }) {
  const [rooms, setRooms] = useState([]);
  useEffect(() => {
    let isCurrent = true;
    void (async () => {
      const mine = inbox.value.flatMap(({ room }) => room ?? []).filter((room) => room.member_count <= MOST_MEMBERS);
      for (const room of mine.slice(0, MOST_ROOMS)) {
        const ids = await memberIds(room.id).catch(() => new Set()); // left meanwhile, or no network: not listed
        if (!isCurrent) return;
        if (ids.has(userId)) setRooms((before) => [...before, room]);
      }
    })();
    return () => {
      isCurrent = false;
    };
  }, [userId]);
  if (!rooms.length) return null;
  return html`<section class="details-section">
    <h3 class="details-heading">${t('person.shared-rooms')}</h3>
    <ul>
      ${rooms.map(
        (room) => html`<li key=${room.id}>
          <a class="sidebar-link" href=${conversationHref(room.conversation_id)}>
            <${Icon} name=${room.is_public ? 'hash' : 'lock'} /><span dir="auto">${room.name}</span>
          </a>
        </li>`,
      )}
    </ul>
  </section>`;
}
