import { useRef } from '../preact.js';

const LONG_PRESS = 500;
const MOVED = 10;

/**
 * A long press of a finger or a pen, for the handlers of an element. The browsers of iOS fire no `contextmenu` for it, so this is
 * told by the pointer alone, and where another browser fires one, it is left out.
 * @param {(event: any) => HTMLElement | null} targetOf  what is pressed, or null where a press means something else
 * @param {(target: HTMLElement) => void} onLongPress
 */
export function useLongPress(targetOf, onLongPress) {
  const press = useRef(null);
  const wasLong = useRef(false);
  return {
    isPressed: () => press.current !== null,
    handlers: {
      onPointerDown(event) {
        wasLong.current = false;
        const target = event.pointerType === 'mouse' ? null : targetOf(event);
        press.current = target && { target, x: event.clientX, y: event.clientY, since: Date.now() };
      },
      onPointerMove({ clientX, clientY }) {
        if (press.current && Math.hypot(clientX - press.current.x, clientY - press.current.y) > MOVED) press.current = null;
      },
      // Not before the finger is lifted: that would close the menu.
      onPointerUp() {
        const { target, since } = press.current ?? {};
        press.current = null;
        wasLong.current = Boolean(target) && Date.now() - since > LONG_PRESS;
        if (wasLong.current) setTimeout(onLongPress, 0, target);
      },
      onPointerCancel() {
        press.current = null;
      },
      // A browser may follow a link at the end of a long press.
      onClickCapture(event) {
        if (wasLong.current && event.detail) event.preventDefault();
        wasLong.current = false;
      },
    },
  };
}
