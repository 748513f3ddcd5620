import { me, online } from '../chat.js';
import { nameOf, presenceOf } from '../people.js';
import { html, useEffect } from '../preact.js';
import { conversationHref, href } from '../router.js';
import { formatDate, formatList, t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button } from '../ui/button.js';
import { toastError } from '../ui/toast.js';
import { blocked, loadBlocks, setBlocked } from './blocks.js';
import { directId } from './direct.js';
import { SharedRooms } from './shared-rooms.js';

/** Who a user is: picture, names, presence, bio, and what can be done. @param {{user: any, isConversation?: boolean, children?: any}} props  `isConversation`: it stands beside the conversation with the user */
export function PersonFacts({ user, isConversation = false, children }) {
  const isMe = user.id === me.value?.id;
  const isGone = !user.username || user.is_active === false;
  const isOnline = !isGone && online.value.has(user.id);
  useEffect(() => {
    if (!blocked.value) loadBlocks().catch(toastError);
  }, []);
  const isBlocked = blocked.value?.has(user.id) ?? false;
  return html`<div class="person">
    <${Avatar} user=${user} size="huge" />
    <h3 class="person-name" dir="auto">${nameOf(user)}</h3>
    ${user.username && html`<p class="person-username" dir="auto">@${user.username}</p>`}
    <p class="person-presence">
      ${isOnline && html`<span class="presence-dot" aria-hidden="true"></span>`}${presenceOf(user)}
    </p>
    ${user.bio && html`<p class="person-bio" dir="auto">${user.bio}</p>`}
    ${isBlocked && html`<p class="notice">${t('person.is-blocked')}</p>`}
    <div class="person-actions">
      ${
        !isConversation &&
        !isGone &&
        html`<${Button} kind="primary" icon=${isMe ? 'edit' : 'message'} href=${conversationHref(directId(user.id))}>
          ${isMe ? t('conversation.notes') : t('person.message')}
        <//>`
      }
      ${isMe && html`<${Button} href=${href(['settings'])}>${t('person.edit-profile')}<//>`}
      ${
        !isMe &&
        !isGone &&
        blocked.value &&
        html`<${Button} onClick=${() => setBlocked(user, !isBlocked)}>${t(isBlocked ? 'person.unblock' : 'person.block')}<//>`
      }
    </div>
    ${children}
    <dl class="facts">
      ${user.roles?.length > 0 && html`<div><dt>${t('person.roles')}</dt><dd dir="auto">${formatList(user.roles)}</dd></div>`}
      ${user.created_at && html`<div><dt>${t('person.since')}</dt><dd>${formatDate(user.created_at)}</dd></div>`}
    </dl>
    ${!isMe && !isGone && html`<${SharedRooms} key=${user.id} userId=${user.id} />`}
  </div>`;
}
