// A client that writes at random, for test_chaos.py: node writer.mjs LIBRARY URL EMAIL PASSWORD STORAGE NAME CONVERSATIONS SECONDS
// It stops writing at the first line of its input. At the second it prints its state, once nothing is on its way, or says what
// is left after SECONDS in which nothing was sent.

import { createInterface } from 'node:readline';

const [library, url, email, password, storage, name, conversations, seconds] = process.argv.slice(2);
const { Confab } = await import(library);
const chat = new Confab({ url, storage });
const places = conversations.split(',');
const states = [];
chat.state.subscribe(({ status, reason, retryAt }) => states.push([new Date().toISOString(), status, reason, retryAt]));
let isWriting = true;
let number = 0;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const any = (items) => items[Math.floor(Math.random() * items.length)];

async function write() {
  while (isWriting) {
    const room = chat.conversation(any(places));
    const own = room.messages.value.filter((message) => message.sender_id === chat.user.value?.id && !message.deleted_at);
    const deed = Math.random();
    try {
      if (deed < 0.6 || !own.length) room.send({ content: `${name} ${number++}` });
      else if (deed < 0.75) await room.edit(any(own).id, `${name} edited ${number++}`);
      else if (deed < 0.8) await room.remove(any(own).id);
      else if (deed < 0.9) await room.react(any(room.messages.value).id, any(['👍', '🎉']));
      else room.read(room.info.value?.last_seq ?? 0);
    } catch {} // the server is away, or the message was deleted
    await pause(30 + Math.random() * 120);
  }
}

async function report() {
  const left = () => places.reduce((sum, id) => sum + chat.conversation(id).outbox.value.length, 0);
  let end = performance.now() + seconds * 1000;
  for (let before = left(); chat.state.value.status !== 'live' || before; before = left()) {
    if (performance.now() > end) return { stuck: states.slice(-6), left: before };
    await pause(50);
    if (left() < before) end = performance.now() + seconds * 1000; // an outbox that was filled for long takes its time
  }
  const inbox = chat.inbox.value.map(({ id, last_seq, last_modseq, last_read_seq, unread_count, mention_count }) => {
    return { id, last_seq, last_modseq, last_read_seq, unread_count, mention_count };
  });
  const messages = Object.fromEntries(places.map((id) => [id, chat.conversation(id).messages.value]));
  return { inbox, messages, sent: number };
}

const started = chat.start();
await chat.auth.login({ email, password });
await started;
for (const id of places) chat.conversation(id);
console.log(JSON.stringify('ready'));
const writing = write();
let lines = 0;
const input = createInterface({ input: process.stdin });
// The end of the input is the end of the tests, in whatever way they ended.
input.on('close', () => process.exit());
input.on('line', async () => {
  lines += 1;
  isWriting = false;
  await writing;
  if (lines > 1) console.log(JSON.stringify(await report()));
});
