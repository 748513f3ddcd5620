// The service worker, for a start without network.

const HOUR = 3_600_000;

/** Register it, where the browser has service workers and the page is served securely. */
export async function registerWorker() {
  if (!navigator.serviceWorker) return;
  const url = '/sw.js';
  const policy = globalThis.trustedTypes?.createPolicy('confab-worker', { createScriptURL: () => url });
  try {
    const registration = await navigator.serviceWorker.register(policy ? policy.createScriptURL(url) : url);
    lookForUpdates(registration);
  } catch {} // the page works without it
}

/** Browsers look for a new version at a start alone, but a page may stay open for weeks. @param {ServiceWorkerRegistration} registration */
function lookForUpdates(registration) {
  let lookedAt = Date.now();
  document.addEventListener('visibilitychange', () => {
    if (document.hidden || Date.now() - lookedAt < HOUR) return;
    lookedAt = Date.now();
    registration.update().catch(() => {}); // the server is away
  });
}
