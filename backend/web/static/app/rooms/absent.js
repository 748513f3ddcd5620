import { api, inbox, state } from '../chat.js';
import { html, useEffect, useState } from '../preact.js';
import { href } from '../router.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { Empty, Loading } from '../ui/states.js';
import { JoinButton } from './browse.js';

/** What is shown of a conversation that is not in the inbox: a public room to join, or that there is nothing. @param {{id: string}} props */
export function Absent({ id }) {
  const [room, setRoom] = useState(undefined);
  const isConnected = state.value.status === 'live';
  useEffect(() => {
    if (!isConnected) return;
    const [, roomId] = /^room:(\d+)$/.exec(id) ?? [];
    if (!roomId) return setRoom(null);
    api.get(`/api/rooms/${roomId}`).then(setRoom, () => setRoom(null));
  }, [id, isConnected]);
  if (room === undefined && (isConnected || !inbox.value.length)) return html`<${Loading} />`;
  if (!room?.is_public)
    return html`<${Empty} icon="lock" title=${t('conversation.absent.title')} text=${t('conversation.absent.text')}>
      <${Button} href=${href(['rooms'])}>${t('rooms.browse')}<//>
    <//>`;
  return html`<div class="empty">
    <div class="empty-icon"><${Icon} name="hash" /></div>
    <h2 class="empty-title" dir="auto">${room.name}</h2>
    ${room.description && html`<p class="empty-text" dir="auto">${room.description}</p>`}
    <p class="empty-text">${t('room.members', { count: room.member_count })}</p>
    <div class="empty-actions"><${JoinButton} room=${room} /><${Button} href=${href(['rooms'])}>${t('rooms.browse')}<//></div>
  </div>`;
}
