import { api, chat } from '../chat.js';
import { goToConversation } from '../router.js';

const PATIENCE = 5000;

/** Show a room that was just joined or created, as soon as it is in the inbox. @param {any} room */
export async function enterRoom(room) {
  await appears(chat.conversation(room.conversation_id).info);
  goToConversation(room.conversation_id);
}

/** Join a public room, and show it. @param {any} room */
export async function joinRoom(room) {
  await enterRoom(await api.post(`/api/rooms/${room.id}/join`));
}

/** Resolves when the value is there, or after a while. */
function appears(value) {
  return new Promise((resolve) => {
    const check = () => {
      if (!value.value) return;
      unsubscribe();
      resolve(undefined);
    };
    const unsubscribe = value.subscribe(check);
    setTimeout(resolve, PATIENCE);
    check();
  });
}
