import { state } from './chat.js';
import { html, useEffect, useState } from './preact.js';
import { t } from './text.js';
import { Icon } from './ui/icon.js';

const PATIENCE = 1500;

/** Says that the page is not up to date, and when the next attempt is. A short interruption is not worth a word. */
export function ConnectionBar() {
  const { status, retryAt } = state.value;
  const [now, setNow] = useState(0);
  const [isShown, setShown] = useState(false);
  const isLive = status === 'live' || status === 'signed-out';
  useEffect(() => {
    if (isLive) return setShown(false);
    const patience = setTimeout(() => setShown(true), PATIENCE);
    const clock = setInterval(() => setNow(Date.now()), 1000);
    return () => {
      clearTimeout(patience);
      clearInterval(clock);
    };
  }, [isLive]);
  const seconds = retryAt ? Math.max(0, Math.ceil((retryAt - (now || Date.now())) / 1000)) : 0;
  const isVisible = isShown && !isLive;
  // The seconds are not spoken each time that they change.
  return html`<div class=${`connection-bar ${isVisible ? 'is-shown' : ''}`}>
    <${Icon} name="cloud-off" />
    <span role="status">${isVisible && t(status === 'offline' ? 'connection.offline' : `connection.${status}`)}</span>
    ${isVisible && seconds > 0 && html`<span aria-hidden="true">${t('connection.retry', { count: seconds })}</span>`}
  </div>`;
}
