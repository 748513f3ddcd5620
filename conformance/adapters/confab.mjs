// The adapter of confab.js in Node. docs/clients.md describes the protocol.
//
// CONFAB names the library's entry, confab.js of this repository unless given.
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { commandsOf } from './commands.mjs';

const LIBRARY = process.env.CONFAB ?? new URL('../../backend/web/static/confab/confab.js', import.meta.url).href;
const CAPABILITIES = ['storage', 'clock', 'storage_full', 'wake', 'get_token', 'attachments', 'members'];

const { Confab } = await import(LIBRARY);
const write = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const commands = commandsOf(Confab, write);
const { start } = commands;
Object.assign(commands, {
  start: ({ storage, ...options }) => start({ ...options, storage: `${storage}/confab` }),
  /** Every write to a file fails from now on, as on a full disk. */
  async fill_storage() {
    const file = await open(process.execPath);
    const { prototype } = file.constructor;
    await file.close();
    prototype.appendFile = prototype.writeFile = () =>
      Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
  },
});

write({ event: 'hello', capabilities: CAPABILITIES });
for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: command, ...options } = JSON.parse(line);
  // A command that takes long must not keep the next one waiting.
  Promise.resolve(options)
    .then(commands[command])
    .then(
      (ok) => write({ id, ok: ok ?? null }),
      (error) => write({ id, error: `${error.code ?? error.name}: ${error.message}` }),
    );
}
process.exit();
