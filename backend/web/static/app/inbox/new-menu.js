import { html } from '../preact.js';
import { href } from '../router.js';
import { hasDirectory, mayCreateRooms } from '../session/server.js';
import { t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { Menu } from '../ui/menu.js';
import { toastError } from '../ui/toast.js';

/** Choose a person, and write to them. */
export const writeToSomebody = () => load(import('../people/new-message.js').then((module) => module.chooseAndWrite()));
/** Ask for the name of a room, and create it. */
export const createRoom = () => load(import('../rooms/create.js').then((module) => module.createRoom()));
/** Ask for the code of an invite, and join its room. */
export const joinByCode = () => load(import('../rooms/join.js').then((module) => module.joinByCode()));

function load(action) {
  action.catch(toastError);
}

/** The ways to a new conversation. */
export function NewMenu() {
  return html`<${Menu}
    label=${t('inbox.new')}
    button=${(props) => html`<${IconButton} icon="plus" label=${t('inbox.new')} ...${props} />`}
    items=${[
      hasDirectory() && { label: t('people.new-message'), icon: 'edit', onSelect: writeToSomebody },
      mayCreateRooms() && { label: t('rooms.create'), icon: 'plus', onSelect: createRoom },
      { label: t('rooms.join'), icon: 'link', onSelect: joinByCode },
      'line',
      { label: t('rooms.browse'), icon: 'compass', href: href(['rooms']) },
    ]}
  />`;
}
