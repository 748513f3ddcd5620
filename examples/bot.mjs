// A bot that answers whoever mentions it. Put confab.js and confab-node.js of your server beside this file, and start it:
//   CONFAB_URL=https://chat.example.com CONFAB_TOKEN=confab_... node bot.mjs
import { Confab } from './confab.js';

const { CONFAB_URL: url, CONFAB_TOKEN: token, CONFAB_STORAGE: storage = 'bot.jsonl' } = process.env;
const chat = new Confab({ url, storage, getToken: () => token });
const busy = new Set();

/** Answer the unread mentions, then move the read mark: after a crash, the server still counts those that have no answer. */
async function answer({ id, last_read_seq }) {
  const unread = await chat.api.all(`/api/chat/messages?conversation_id=${id}&after=${last_read_seq}`);
  for (const message of unread.filter(({ mentions }) => mentions.includes(chat.user.value.id))) {
    const answered = { content: 'How can I help?', parentId: message.id, clientMessageId: `answer-${message.id}` };
    await chat.conversation(id).send(answered).done.catch(console.error); // the same clientMessageId is sent once, for ever
  }
  chat.conversation(id).read(unread.at(-1)?.seq ?? last_read_seq);
}

function look() {
  for (const row of chat.inbox.value.filter(({ id, mention_count }) => mention_count && !busy.has(id))) {
    busy.add(row.id);
    answer(row)
      .catch((error) => {
        console.error(error);
        setTimeout(look, 1000); // the inbox may not change until then
      })
      .finally(() => busy.delete(row.id));
  }
}

await chat.start();
chat.inbox.subscribe(look);
look();
console.log(`${chat.user.value.username} listens`);
