// The adapter of confab.js in Node. docs/clients.md describes the protocol.
//
// CONFAB names the library's entry, confab.js of this repository unless given.
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';

const LIBRARY = process.env.CONFAB ?? new URL('../../backend/web/static/confab/confab.js', import.meta.url).href;
const CAPABILITIES = ['storage', 'clock', 'storage_full', 'wake', 'get_token', 'attachments', 'members'];
/** The milliseconds that a device must sleep for confab.js to notice it in Node, which has no events for it. */
const NAP = 11_000;

let clockOffset = 0;
const now = Date.now;
Date.now = () => now() + clockOffset;

const { Confab } = await import(LIBRARY);
const write = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

let chat;
/** The conversations that a command named: the outbox is looked for in these and in those of the inbox. */
const named = new Set();
const tokens = new Map();
const conversation = (id) => {
  named.add(id);
  return chat.conversation(id);
};
const sentOf = (id) => items().find(({ clientMessageId }) => clientMessageId === id);
const items = () => {
  for (const { id } of chat.inbox.value) named.add(id);
  return [...named].flatMap((id) => chat.conversation(id).outbox.value);
};

const commands = {
  start({ url, storage, mode, clock_offset = 0 }) {
    clockOffset = clock_offset * 1000;
    const getToken = ({ reason }) =>
      new Promise((resolve) => {
        const name = String(tokens.size + 1);
        tokens.set(name, resolve);
        write({ event: 'token_wanted', for: name, reason });
      });
    chat = new Confab({ url, storage: `${storage}/confab`, getToken: mode === 'get_token' ? getToken : undefined });
    chat.state.subscribe(({ status, reason, retryAt }) => write({ event: 'state', status, reason, retry_at: retryAt }));
    void chat.start();
  },
  token: ({ for: name, token }) => tokens.get(name)(token),
  sign_in: async ({ email, password }) => void (await chat.auth.login({ email, password })),
  sign_out: ({ forget = false }) => chat.auth.logout({ forget }),
  stop: () => chat.stop(),
  open: ({ conversation: id }) => void conversation(id),
  messages: ({ conversation: id }) => conversation(id).messages.value,
  members: ({ conversation: id }) => conversation(id).members.value.map(({ user }) => user.id),
  inbox: () => chat.inbox.value,
  outbox: () =>
    items().map(({ clientMessageId, state, error }) => ({ client_message_id: clientMessageId, state, code: error?.code })),
  send({ conversation: id, content, attachment }) {
    const attachments = attachment && [new File([attachment.text], attachment.name)];
    return { client_message_id: conversation(id).send({ content, attachments }).clientMessageId };
  },
  retry: ({ client_message_id }) => sentOf(client_message_id).retry(),
  cancel: ({ client_message_id }) => sentOf(client_message_id).cancel(),
  edit: async ({ conversation: id, message_id, content }) => void (await conversation(id).edit(message_id, content)),
  remove: ({ conversation: id, message_id }) => conversation(id).remove(message_id),
  read: ({ conversation: id, seq }) => conversation(id).read(seq),
  load_before: ({ conversation: id }) => conversation(id).loadBefore(),
  wake() {
    clockOffset += NAP;
  },
  jump({ seconds }) {
    clockOffset += seconds * 1000;
  },
  /** Every write to a file fails from now on, as on a full disk. */
  async fill_storage() {
    const file = await open(process.execPath);
    const { prototype } = file.constructor;
    await file.close();
    prototype.appendFile = prototype.writeFile = () =>
      Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
  },
};

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
