import { html, render, useEffect, useMemo, useRef, useState } from '../preact.js';
import { t } from '../text.js';
import { isComposing } from '../ui/composing.js';
import { place } from '../ui/menu.js';
import { Failure, Loading } from '../ui/states.js';
import { findEmojis, keepSkinTone, loadEmojis, noteEmoji, recentEmojis, skinTone, TONES, toned } from './emoji.js';

const MOST_FOUND = 120;
const COLUMNS = 8;

/**
 * Let the user choose an emoji. Resolves with it, or with null where none is chosen; the focus returns to the anchor.
 * @param {HTMLElement} anchor  the picker opens beside it
 * @returns {Promise<string | null>}
 */
export function openEmojiPicker(anchor) {
  return new Promise((resolve) => {
    const popover = document.createElement('div');
    popover.className = 'emoji-picker';
    popover.popover = 'auto';
    // Within a dialog, or else the dialog would make it inert.
    (anchor.closest('dialog') ?? document.body).append(popover);
    let result = null;
    const close = (emoji = null) => {
      result = emoji;
      popover.hidePopover();
    };
    popover.addEventListener('toggle', ({ newState }) => {
      if (newState !== 'closed') return;
      const hadFocus = popover.contains(document.activeElement) || document.activeElement === document.body;
      render(null, popover);
      popover.remove();
      if (hadFocus) anchor.focus();
      if (result) noteEmoji(result);
      resolve(result);
    });
    render(html`<${EmojiPicker} onChoose=${close} />`, popover);
    popover.showPopover();
    place(popover, anchor);
    popover.querySelector('input').focus();
  });
}

function EmojiPicker({ onChoose }) {
  const [groups, setGroups] = useState(null);
  const [error, setError] = useState(null);
  const [sought, setSought] = useState('');
  const [found, setFound] = useState(null);
  const [tone, setTone] = useState(skinTone);
  const body = useRef(null);
  const load = () => {
    setError(null);
    loadEmojis().then(setGroups, () => setError({ code: 'network' }));
  };
  useEffect(load, []);
  useEffect(() => {
    if (!sought.trim()) return setFound(null);
    let isCurrent = true;
    findEmojis(sought, MOST_FOUND).then((result) => isCurrent && setFound(result));
    return () => {
      isCurrent = false;
    };
  }, [sought, tone]);
  const recent = useMemo(recentEmojis, []);

  const onKeyDown = (event) => {
    if (isComposing(event)) return;
    const all = [...body.current.querySelectorAll('button')];
    const index = all.indexOf(document.activeElement);
    const isInput = event.target.matches('input');
    if (isInput && event.key === 'Enter' && all.length) all[0].click();
    else if (isInput && event.key === 'ArrowDown') all[0]?.focus();
    else if (index < 0) return;
    else if (event.key === 'ArrowUp' && index < COLUMNS) body.current.previousElementSibling.querySelector('input').focus();
    else {
      const isRtl = getComputedStyle(body.current).direction === 'rtl';
      const step = { ArrowRight: isRtl ? -1 : 1, ArrowLeft: isRtl ? 1 : -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
      if (!step) return;
      all[Math.min(Math.max(index + step, 0), all.length - 1)].focus();
    }
    event.preventDefault();
  };
  const chooseTone = (value) => {
    setTone(value);
    keepSkinTone(value);
  };

  return html`<div role="dialog" aria-label=${t('emoji.title')} class="emoji-dialog" onKeyDown=${onKeyDown}>
    <div class="emoji-head">
      <input
        class="input"
        type="search"
        placeholder=${t('emoji.search')}
        aria-label=${t('emoji.search')}
        value=${sought}
        onInput=${({ currentTarget }) => setSought(currentTarget.value)}
      />
      <select
        class="input emoji-tone"
        aria-label=${t('emoji.tone')}
        value=${tone}
        onChange=${({ currentTarget }) => chooseTone(Number(currentTarget.value))}
      >
        ${TONES.map((modifier, index) => html`<option value=${index} selected=${index === tone}>${`✋${modifier}`}</option>`)}
      </select>
    </div>
    <div class="emoji-body" ref=${body}>
      ${error && html`<${Failure} error=${error} retry=${load} />`} ${!groups && !error && html`<${Loading} />`}
      ${groups && found && !found.length && html`<p class="emoji-none">${t('emoji.none')}</p>`}
      ${groups && found && html`<${Grid} emojis=${found} onChoose=${onChoose} />`}
      ${
        groups &&
        !found &&
        html`<${Group} title=${t('emoji.recent')}>
            <${Grid} emojis=${recent.map((emoji) => ({ emoji, name: emoji }))} onChoose=${onChoose} />
          <//>
          ${groups.map(
            ({ group, emojis }) => html`<${Group} key=${`${group} ${tone}`} title=${t(`emoji.${group}`)}>
              <${Grid} emojis=${emojis.map((each) => ({ ...each, emoji: toned(each, tone) }))} onChoose=${onChoose} />
            <//>`,
          )}`
      }
    </div>
  </div>`;
}

function Group({ title, children }) {
  return html`<section class="emoji-group"><h3 class="emoji-group-title">${title}</h3>${children}</section>`;
}

function Grid({ emojis, onChoose }) {
  return html`<div class="emoji-grid">
    ${emojis.map(
      ({ emoji, name }) =>
        html`<button type="button" class="emoji" title=${name} aria-label=${name} onClick=${() => onChoose(emoji)}>${emoji}</button>`,
    )}
  </div>`;
}
