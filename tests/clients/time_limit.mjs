// Which requests of the client library end when their time limit is over: node time_limit.mjs SOURCES

import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const { request } = await import(pathToFileURL(`${process.argv[2]}/api.js`).href);

const LIMIT = 30_000;
/** The limits that are not lifted yet, by their timers. They are over when this program says so. @type {Map<any, () => void>} */
const limits = new Map();
const { setTimeout: schedule, clearTimeout: lift } = globalThis;
globalThis.setTimeout = (call, ms, ...rest) => {
  const timer = schedule(call, ms, ...rest);
  if (ms === LIMIT) limits.set(timer, call);
  return timer;
};
globalThis.clearTimeout = (timer) => {
  limits.delete(timer);
  lift(timer);
};

/** The answers whose headers and first bytes are sent. @type {Map<string, import('node:http').ServerResponse>} */
const begun = new Map();
const server = createServer(({ url }, response) => {
  response.setHeader('Content-Type', 'application/json');
  if (url === '/download') response.setHeader('Content-Disposition', 'attachment; filename="export.json"');
  response.write('["whole",');
  begun.set(url, response);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const get = (path) =>
  request(`http://127.0.0.1:${server.address().port}${path}`).then(
    ({ body }) => body,
    ({ code }) => code,
  );
const until = async (isSo) => {
  for (const end = Date.now() + 10_000; !isSo() && Date.now() < end; ) await new Promise((resolve) => schedule(resolve, 5));
};

const download = get('/download');
await until(() => begun.has('/download') && !limits.size);
const answer = get('/answer');
await until(() => begun.has('/answer'));
for (const end of limits.values()) end();
begun.get('/download').end('"download"]');
console.log(JSON.stringify({ answer: await answer, download: await download }));
server.closeAllConnections();
server.close();
