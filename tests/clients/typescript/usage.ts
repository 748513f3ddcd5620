// An application that uses everything that the library offers. It compiles.

import {
  type Api,
  ApiError,
  type Attachment,
  Confab,
  type Conversation,
  type Draft,
  type FoundMessage,
  type GetToken,
  type InboxRow,
  type Member,
  type Message,
  type Options,
  type Reaction,
  type Room,
  type Sent,
  type State,
  type User,
  Value,
} from './confab.js';

const getToken: GetToken = async ({ reason }: { reason: string }) => (reason === 'rejected' ? null : 'token');
const options: Options = { url: 'https://chat.example.com', getToken, storage: 'memory', clientId: 'laptop' };
const chat = new Confab(options);
export const byDefault = new Confab();

export async function example(file: File): Promise<void> {
  await chat.start();
  const state: State = chat.state.value;
  const unsubscribe: () => void = chat.state.subscribe(({ status, retryAt, reason }) => {
    if (status === 'offline') console.log(retryAt?.toISOString(), reason?.length);
  });
  unsubscribe();
  const inbox: InboxRow[] = chat.inbox.value;
  for (const row of inbox) {
    const name: string | null | undefined = row.kind === 'room' ? row.room?.name : row.user?.full_name;
    console.log(name, row.unread_count + row.mention_count, row.last_message?.content, row.is_muted || row.is_pinned);
  }
  const user: User | null = chat.user.value;
  const online: number[] = chat.online.value;
  console.log(state.status, user?.email, online.length, chat.user instanceof Value);

  const room: Conversation = chat.conversation('room:7');
  const messages: Message[] = room.messages.value;
  const members: Member[] = room.members.value;
  const typing: number[] = room.typing.value;
  const mark: number | undefined = room.readers.value[7];
  const waiting: Sent[] = room.outbox.value;
  const info: InboxRow | null = room.info.value;
  const [first] = messages;
  const attachments: Attachment[] = first.attachments;
  const reactions: Reaction[] = first.reactions;
  const ofRoom: Room | undefined = info?.room;
  console.log(room.id, members[0].user.username, typing, mark, attachments[0].url, reactions[0].emoji, ofRoom?.owner_id);
  await Promise.all([room.loadBefore(), room.loadAfter(), room.loadAround(12), room.loadLatest()]);
  console.log(room.hasBefore, room.hasAfter);

  const draft: Draft = { content: 'hello', parentId: first.id, attachments: [file], metadata: { color: 'red' } };
  const sent: Sent = room.send({ ...draft, clientMessageId: 'mine-1' });
  sent.changes.subscribe((change: 'queued' | 'sending' | 'sent' | 'failed') => console.log(change));
  sent.progress.subscribe((part: number) => console.log(part.toFixed(2)));
  console.log(sent.attachments.map(({ name, size, type }) => `${name} ${type} ${size.toFixed()}`));
  if (sent.state === 'failed') sent.retry();
  console.log(sent.clientMessageId, sent.content, sent.error?.code, waiting.length);
  const arrived: Message = await sent.done;
  sent.cancel();

  room.read(arrived.seq);
  room.startTyping();
  room.stopTyping();
  await room.unread(3);
  await room.update({ is_muted: true, is_pinned: false });
  const edited: Message = await room.edit(arrived.id, 'hi', { modseq: arrived.modseq });
  await room.react(edited.id, '👍');
  await room.unreact(edited.id, '👍');
  await room.remove(edited.id, { hard: true });

  const found: FoundMessage[] = await chat.search('hello', { conversation_id: room.id, has: 'attachment', limit: 5 });
  console.log(found[0].highlights.map(([start, length]) => start + length));
  chat.on('message', (message) => console.log(message.seq.toFixed(), message.content.trim()));
  const end: () => void = chat.on('presence', (frame) => console.log(frame.user_id));
  end();

  await accounts(chat.api);
  await chat.stop();
}

async function accounts(api: Api): Promise<void> {
  try {
    const user: User = await chat.auth.login({ email: 'ann@example.com', password: 'password123' });
    await chat.auth.login({ username: user.username, password: 'password123', totp_code: '123456' });
    await chat.auth.register({ email: 'ann@example.com', password: 'password123', first_name: 'Ann' });
    await chat.auth.verifyOtp({ mobile: '+46701234567', code: '123456' });
    await chat.auth.exchange({ token: 'assertion' });
    await api.post('/api/rooms', { name: 'den' });
    await api.post('/api/users/me/avatar', new FormData(), AbortSignal.timeout(1000), (part) => console.log(part.toFixed()));
    await api.patch('/api/rooms/7', { name: 'the den' });
    await api.put('/api/rooms/7/members/3');
    await api.delete('/api/rooms/7/members/3');
    const rooms: Room[] = await api.get('/api/rooms', AbortSignal.timeout(1000));
    const all: Room[] = await api.all('/api/rooms?mine=true');
    console.log(rooms.length, all.length, await api.request('GET', '/api/users/me'));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    console.log(error.status, error.code, error.detail, error.errors?.email[0], error.retryAfter, error.isTemporary);
  }
  await chat.auth.logout({ forget: true });
}
