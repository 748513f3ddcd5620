import { html, render } from '../preact.js';
import { t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { place } from '../ui/menu.js';

/** The reactions that are at hand without the picker. */
export const QUICK = ['👍', '❤️', '😂', '🎉', '👀', '✅'];

/**
 * Offer a few emoji beside a button, and the picker with all. Resolves with the emoji, or null.
 * @param {HTMLElement} anchor @returns {Promise<string | null>}
 */
export function openQuickReactions(anchor) {
  return new Promise((resolve, reject) => {
    const popover = document.createElement('div');
    popover.className = 'menu quick-reactions';
    popover.popover = 'auto';
    let result = null;
    const close = (chosen) => {
      result = chosen;
      popover.hidePopover();
    };
    const openPicker = () => close(import('../composer/emoji-picker.js').then((picker) => picker.openEmojiPicker(anchor)));
    popover.addEventListener('toggle', ({ newState }) => {
      if (newState !== 'closed') return;
      render(null, popover);
      popover.remove();
      if (anchor.isConnected) anchor.focus();
      Promise.resolve(result).then(resolve, reject);
    });
    render(html`<${Choices} onChoose=${close} onMore=${openPicker} />`, popover);
    (anchor.closest('main, aside') ?? document.body).append(popover);
    popover.showPopover();
    place(popover, anchor);
    popover.querySelector('button').focus();
  });
}

function Choices({ onChoose, onMore }) {
  return html`<div class="quick-row" role="group" aria-label=${t('reaction.add')} onKeyDown=${moveAlong}>
    ${QUICK.map((emoji) => html`<button type="button" class="quick-emoji" aria-label=${t('reaction.with', { emoji })} onClick=${() => onChoose(emoji)}>${emoji}</button>`)}
    <${IconButton} icon="plus" label=${t('reaction.more')} onClick=${onMore} />
  </div>`;
}

/** Move the focus along the buttons of a row by the arrows. @param {KeyboardEvent} event */
export function moveAlong(event) {
  if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
  const forward = document.documentElement.dir === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
  const buttons = [...event.currentTarget.querySelectorAll('button')];
  const index = buttons.indexOf(document.activeElement) + (event.key === forward ? 1 : -1);
  buttons[(index + buttons.length) % buttons.length].focus();
  event.preventDefault();
  event.stopPropagation();
}
