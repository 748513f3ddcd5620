// The service worker, for a start without network.

/** Register it, where the browser has service workers and the page is served securely. */
export function registerWorker() {
  if (!navigator.serviceWorker) return;
  const url = '/sw.js';
  const policy = globalThis.trustedTypes?.createPolicy('confab-worker', { createScriptURL: () => url });
  navigator.serviceWorker.register(policy ? policy.createScriptURL(url) : url).catch(() => {}); // the page works without it
}
