import { html, useEffect, useState } from '../preact.js';
import { Button } from './button.js';
import { Empty, Loading } from './states.js';
import { t } from '../text.js';

/**
 * A component whose module is loaded when it is first shown.
 * @param {() => Promise<any>} load  resolves with the component
 * @param {{isPanel?: boolean, Absent?: any}} [options]  whether it is a panel; `Absent` is shown until it is loaded, instead of words
 */
export function lazy(load, { isPanel = false, Absent } = {}) {
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
    // As it was in this rendering: another place may finish loading it before the effect.
    const isMissing = !Component;
    useEffect(() => {
      if (isMissing) attempt();
    }, []);
    if (Component) return html`<${Component} ...${props} />`;
    if (Absent) return html`<${Absent} />`;
    const content = failed ? html`<${NotLoaded} retry=${attempt} />` : html`<${Loading} />`;
    return isPanel ? html`<aside class="panel" aria-label=${t('state.loading')}>${content}</aside>` : content;
  };
}

function NotLoaded({ retry }) {
  return html`<${Empty} icon="cloud-off" title=${t('error.load.title')} text=${t('error.load.text')}>
    <${Button} onClick=${retry}>${t('action.retry')}<//>
  <//>`;
}
