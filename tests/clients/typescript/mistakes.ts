// Mistakes of applications. TypeScript finds each of them: a directive that no error follows is an error itself.

import { type Api, Confab, type Conversation, type Sent, Value } from './confab.js';

declare const chat: Confab;
declare const room: Conversation;
declare const sent: Sent;
declare const api: Api;

// @ts-expect-error there is no such option
new Confab({ adress: 'https://chat.example.com' });
// @ts-expect-error a token is text
new Confab({ getToken: async () => 7 });
// @ts-expect-error the library makes the values
new Value(1);
// @ts-expect-error an application does not set the state
chat.state.set({ status: 'live', retryAt: null, reason: null });
// @ts-expect-error there is no such state
if (chat.state.value.status === 'online') chat.stop();
// @ts-expect-error the user is null where nobody is signed in
chat.user.value.id;
// @ts-expect-error the id of a conversation is text
chat.conversation(7);
// @ts-expect-error a password is required
chat.auth.login({ email: 'ann@example.com' });
// @ts-expect-error there is no such filter
chat.search('hello', { room: 7 });
// @ts-expect-error a message has no text
chat.on('message', (message) => message.text);
// @ts-expect-error the listener is required
chat.on('message');
// @ts-expect-error the field is named `parentId`
room.send({ content: 'hello', parent_id: 7 });
// @ts-expect-error a file is required
room.send({ attachments: ['photo.png'] });
// @ts-expect-error the number of a message is no text
room.read('7');
// @ts-expect-error the new content is required
room.edit(7);
// @ts-expect-error for the library alone
room.timeline;
// @ts-expect-error for the library alone
room.modseq;
// @ts-expect-error for the library alone
room.setTyping(7, true, 1000);
// @ts-expect-error for the library alone
sent.item;
// @ts-expect-error for the library alone
sent.succeed(null);
// @ts-expect-error a promise is not the message
sent.done.content;
// @ts-expect-error the path is required
api.get();
