import { effect, useEffect } from '../preact.js';

/** A list is made anew at most once in so many milliseconds while many messages arrive. */
const PACE = 80;

/** Call *action* after *source*, a signal, has changed. Changes that follow each other fast are told together. */
export function usePaced(source, action) {
  useEffect(() => {
    let last = 0;
    let timer;
    const act = () => {
      timer = undefined;
      last = performance.now();
      action();
    };
    const end = effect(() => {
      source.value;
      timer ??= setTimeout(act, Math.max(0, PACE - (performance.now() - last)));
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [source]);
}
