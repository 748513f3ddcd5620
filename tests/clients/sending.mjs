// What an outbox does if a message is sent twice under one client_message_id: node sending.mjs SOURCES NAME
//
// Each function below arranges one order of the message's event and of the answers, and returns what was sent.

import { pathToFileURL } from 'node:url';

const [sources, name] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(`${sources}/${file}`).href);
const { Outbox } = await load('outbox.js');
const { MemoryStorage } = await load('storage.js');
const { ApiError } = await load('api.js');

const ID = 'room:1';
const message = { id: 5, conversation_id: ID, client_message_id: 'one', content: 'text' };
const settle = () => new Promise((resolve) => setTimeout(resolve));

const device = new MemoryStorage();
/** What the socket was asked for and has not answered. @type {((answer: any) => void)[]} */
const waiting = [];
const request = () =>
  new Promise((resolve, reject) => {
    waiting.push((answer) => (answer instanceof Error ? reject(answer) : resolve({ message: answer })));
  });
const connection = { isLive: true, pace: 0, request };
const context = { api: {}, isLeader: () => true, connection: () => connection, changed() {}, post() {} };
const outbox = new Outbox(async () => device, context);
outbox.enter(1);

/** Send the message, and wait until the socket was asked for it, or until it is known to wait behind another. */
async function send() {
  const sent = outbox.add(ID, { content: 'text', clientMessageId: 'one' });
  await settle();
  return sent;
}

async function answer(answered = message) {
  waiting.shift()(answered);
  await settle();
}

const orders = {
  async 'again while the first is on its way'() {
    const both = [await send(), await send()];
    await answer();
    return both;
  },

  async 'again after the event, before the answer'() {
    const first = await send();
    outbox.arrived(message);
    const again = await send();
    await answer();
    return [first, again];
  },

  async 'again after the event, and the socket ends before the answer'() {
    const first = await send();
    outbox.arrived(message);
    const again = await send();
    await answer(new ApiError(0, 'network', 'The socket is closed.'));
    await answer();
    return [first, again];
  },

  async 'again after it was cancelled, before the answer'() {
    const cancelled = await send();
    cancelled.cancel();
    const again = await send();
    await answer();
    return [again];
  },

  async 'again after it was cancelled, which is repeated'() {
    const cancelled = await send();
    cancelled.cancel();
    const again = await send();
    cancelled.cancel();
    await answer();
    return [again];
  },

  async 'again after the answer'() {
    const first = await send();
    await answer();
    const again = await send();
    await answer();
    return [first, again];
  },
};

const all = await orders[name]();
const done = await Promise.race([Promise.all(all.map((sent) => sent.done)), settle().then(() => 'never')]);
console.log(
  JSON.stringify({ done, states: all.map(({ state }) => state), held: outbox.of(ID).length, kept: device.values.size }),
);
process.exit();
