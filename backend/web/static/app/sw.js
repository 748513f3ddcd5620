// The service worker of the page. It keeps the page and its files, so that the page starts without network.
//
// The server puts `self.CONFAB` before this text: the version, and the addresses of all files. The text is therefore another one in
// each version, and the browser installs it when it next opens the page.
//
// A start takes the kept page, because a network that is slow or lies would delay it. So the first start after an update shows the
// previous version, and the next one the new. During development, where files change between two starts, the network goes first.

const { version, page, prefix, files, isDevelopment } = self.CONFAB;
const PREFIX = 'confab-page-';
const CACHE = PREFIX + version;
/** An open tab of a previous version imports some of its modules later. Its files are kept over two more updates. */
const KEPT = 3;
const PATIENCE = 2000; // ms that a start during development waits for the network

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(install());
});

self.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([removeOld(), self.clients.claim()]));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    if (url.pathname === page) event.respondWith(isDevelopment ? fetchedOrKept(request) : keptOrFetched(page));
  } else if (url.pathname.startsWith('/app/') || files.includes(url.pathname)) {
    event.respondWith(keptOrFetched(request));
  }
});

async function install() {
  const responses = await Promise.all([fetched(page), ...files.map(fetched)]);
  const cache = await caches.open(CACHE);
  await Promise.all([page, ...files].map((path, index) => cache.put(path, responses[index])));
}

/** Rejects a file of another version: during an update, servers of two versions may answer. The browser tries again later. */
async function fetched(path) {
  const isHashed = path.startsWith(prefix);
  const response = await fetch(path, { cache: isHashed ? 'default' : 'no-cache' });
  if (!response.ok || !(await isOfVersion(path, response, isHashed))) throw new Error(`${path} is not of version ${version}`);
  return response;
}

async function isOfVersion(path, response, isHashed) {
  if (isHashed) return response.headers.get('Cache-Control')?.includes('immutable');
  return path !== page || (await response.clone().text()).includes(prefix);
}

async function removeOld() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE); // the oldest first
  await Promise.all(names.slice(0, Math.max(0, names.length - KEPT + 1)).map((name) => caches.delete(name)));
}

async function keptOrFetched(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request)) ?? (await caches.match(request)) ?? fetch(request);
}

async function fetchedOrKept(request) {
  const response = fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
  return response.catch(() => keptOrFetched(page));
}
