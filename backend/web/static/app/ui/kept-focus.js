import { useEffect, useRef } from '../preact.js';

/**
 * Keeps the focus where an item of a list has gone that had it: what `target` finds takes it.
 * @param {number} count  of the items
 * @param {string} target  a selector
 */
export function useKeptFocus(count, target) {
  const before = useRef(count);
  useEffect(() => {
    const isGone = count < before.current;
    before.current = count;
    if (isGone && document.activeElement === document.body) document.querySelector(target)?.focus({ preventScroll: true });
  }, [count]);
}
