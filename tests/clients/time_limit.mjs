// How long the client library waits for the body of an answer, with a limit of 50 ms in place of 30 s: node time_limit.mjs SOURCES

import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const { request } = await import(pathToFileURL(`${process.argv[2]}/api.js`).href);

const schedule = globalThis.setTimeout;
globalThis.setTimeout = (call, ms, ...rest) => schedule(call, ms === 30_000 ? 50 : ms, ...rest);

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

const download = get('/download');
const answer = await get('/answer'); // its limit ends after that of the download
begun.get('/download').end('"download"]');
console.log(JSON.stringify({ answer, download: await download }));
server.closeAllConnections();
server.close();
