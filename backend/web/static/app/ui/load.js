import { html, useEffect, useState } from '../preact.js';
import { Failure, Loading } from './states.js';

/**
 * What a call brings, for a component that shows it: `value` (undefined until it is there), `error`, `reload`, and `set` for what
 * changes afterwards.
 * @param {() => Promise<any>} call  made when the component is first shown
 */
export function useLoad(call) {
  const [value, set] = useState(undefined);
  const [error, setError] = useState(null);
  const reload = () => {
    setError(null);
    return call().then(set, setError);
  };
  useEffect(() => void reload(), []);
  return { value, error, reload, set };
}

/** What a call brings, or how it stands. @param {{loaded: ReturnType<typeof useLoad>, children: (value: any) => any}} props */
export function Loaded({ loaded, children }) {
  if (loaded.value !== undefined) return children(loaded.value);
  return loaded.error ? html`<${Failure} error=${loaded.error} retry=${loaded.reload} />` : html`<${Loading} />`;
}
