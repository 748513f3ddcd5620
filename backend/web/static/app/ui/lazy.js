import { html, useEffect, useState } from '../preact.js';
import { Button } from './button.js';
import { Empty, Loading } from './states.js';
import { t } from '../text.js';

/**
 * A component whose module is loaded when it is first shown.
 * @param {() => Promise<any>} load  resolves with the component
 * @param {any} [Absent]  shown instead while it is loaded, and where it cannot be loaded
 */
export function lazy(load, Absent) {
  let Component = null;
  return function Lazy(props) {
    const [, update] = useState(0);
    const [failed, setFailed] = useState(false);
    const attempt = () => {
      setFailed(false);
      load().then(
        (loaded) => {
          Component = loaded;
          update((count) => count + 1);
        },
        () => setFailed(true),
      );
    };
    useEffect(() => {
      if (!Component) attempt();
    }, []);
    if (Component) return html`<${Component} ...${props} />`;
    if (Absent) return html`<${Absent} />`;
    if (!failed) return html`<${Loading} />`;
    return html`<${Empty} icon="cloud-off" title=${t('error.load.title')} text=${t('error.load.text')}>
      <${Button} onClick=${attempt}>${t('action.retry')}<//>
    <//>`;
  };
}
