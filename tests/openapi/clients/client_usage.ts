// Calls of the inbox, send and sync with the types that openapi-typescript generates, without a cast.
//
// A test copies this file beside the generated confab.ts, checks its types and runs it: `client_usage.ts URL TOKEN ROOM_ID`.

import createClient from "openapi-fetch";
import type { components, paths } from "./confab";

type Message = components["schemas"]["Message"];

declare const process: { argv: string[] };

function present<T>(value: T | undefined, what: unknown): T {
  if (value === undefined) throw new Error(JSON.stringify(what));
  return value;
}

const [url, token, roomId] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });

const send = await client.POST("/api/chat/send", { body: { content: "hello", room_id: Number(roomId) } });
const sent: Message = present(send.data, send.error);
// @ts-expect-error: a seq is a number, so the client is typed
const wrong: string = sent.seq;

const list = await client.GET("/api/chat/conversations", {});
const inbox = new Map(present(list.data, list.error).map((row) => [row.id, row]));
const row = present(inbox.get(sent.conversation_id), "the room");
const lobby = present(inbox.get("lobby"), "the lobby");
const last: Message | null = row.last_message;
// @ts-expect-error: a conversation may have no message
const content: string = row.last_message.content;

const sync = await client.POST("/api/chat/sync", { body: { conversations: { lobby: lobby.last_modseq } } });
const answer = present(sync.data, sync.error);
const changes = present(
  answer.conversations.find((change) => change.id === sent.conversation_id),
  "the changes",
);
const members: string[] = changes.members.map((member) => member.user.username);
const seqs: number[] = changes.messages.map((message) => message.seq);

const result = {
  room: present(row.room, "the room").name,
  last: [last?.seq, last?.content, last?.created_at === sent.created_at],
  edited: sent.edited_at !== null,
  lobby: lobby.last_message !== null,
  members,
  seqs,
  gone: answer.gone,
};
console.log(JSON.stringify(result));
