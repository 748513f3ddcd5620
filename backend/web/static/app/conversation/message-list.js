import { useEffect, useRef, useState } from '../preact.js';
import { useLongPress } from '../ui/long-press.js';
import { Entries } from './entries.js';
import { reacting } from './local-state.js';
import { onMessageKey } from './message-keys.js';

/** Where a press means something else than a press on the message. */
const OWN_PRESS = 'a, button, textarea, video, audio';

/**
 * What all lists of messages do: one stop of the Tab key and arrows between the messages, the toolbar of the message that is pointed
 * at, its menu at a long press.
 * @param {{current: HTMLElement | null}} list @param {any[]} messages @param {import('./place.js').Place} place
 */
export function useMessageList(list, messages, place) {
  const entries = useRef(null);
  entries.current ??= new Entries();
  const [pointedId, setPointed] = useState(null);
  const [focusedId, setFocused] = useState(null);
  const current = useRef(null);

  useEffect(() => {
    // One message can be reached by Tab: the last that had the focus, or the newest.
    if (current.current?.isConnected) return;
    const articles = [...(list.current?.querySelectorAll('article[data-id]') ?? [])];
    const seq = Number(current.current?.dataset.seq ?? Infinity);
    const isFocusLost = focusedId === Number(current.current?.dataset.id) && document.activeElement === document.body;
    setCurrent(articles.find((each) => Number(each.dataset.seq) > seq) ?? articles.at(-1));
    // The message that had the focus is gone, perhaps with its menu: the next one takes it.
    if (isFocusLost) current.current?.focus({ preventScroll: true });
  });

  const setCurrent = (article) => {
    if (article === current.current) return;
    setReachable(current.current, false);
    current.current = article ?? null;
    if (article) article.tabIndex = 0;
  };
  const articleOf = ({ target }) => target.closest?.('article[data-id]') ?? null;
  const messageOf = (article) => messages.find(({ id }) => id === Number(article?.dataset.id));

  const longPress = useLongPress(
    (event) => (event.target.closest(OWN_PRESS) ? null : articleOf(event)),
    (article) => openMenu(article, setPointed),
  );

  const handlers = {
    onFocusIn(event) {
      const article = articleOf(event);
      if (!article) return setFocused(null);
      setCurrent(article);
      setReachable(article, true);
      if (event.target !== article || article.matches(':focus-visible')) setFocused(Number(article.dataset.id));
    },
    onFocusOut(event) {
      if (!event.currentTarget.contains(event.relatedTarget)) setFocused(null);
    },
    onPointerOver(event) {
      if (event.pointerType === 'mouse') setPointed(Number(articleOf(event)?.dataset.id) || null);
    },
    onPointerLeave: () => setPointed(null),
    ...longPress.handlers,
    onPointerDown(event) {
      if (event.pointerType !== 'mouse' && Number(articleOf(event)?.dataset.id) !== pointedId) setPointed(null);
      longPress.handlers.onPointerDown(event);
    },
    onContextMenu(event) {
      if (longPress.isPressed()) event.preventDefault();
    },
    onKeyDown(event) {
      const article = articleOf(event);
      if (article) onMessageKey(event, article, messageOf(article), place);
    },
  };
  return { entries: entries.current, activeIds: [pointedId, focusedId, reacting.value], handlers };
}

/** Let the Tab key reach the controls of a message, or pass over them. */
function setReachable(article, isReachable) {
  if (!article) return;
  article.tabIndex = isReachable ? 0 : -1;
  for (const control of article.querySelectorAll('.message-body :is(a, button, video, audio, pre, .md-table)'))
    control.tabIndex = isReachable ? 0 : -1;
}

/** Show the toolbar of a message, and open its menu once it is there. */
function openMenu(article, setPointed) {
  setPointed(Number(article.dataset.id));
  const menuOf = () => article.querySelector('.message-more');
  if (menuOf()) return menuOf().click();
  const observer = new MutationObserver(() => {
    if (!menuOf()) return;
    observer.disconnect();
    menuOf().click();
  });
  observer.observe(article, { childList: true, subtree: true });
}
