// The types of the library are those of the OpenAPI document and of the schema of the socket's frames. It compiles if they agree.

import type * as library from './confab/types.js';
import type { components as Rest } from './openapi.js';
import type { components as Socket } from './realtime.js';

type Answers = Rest['schemas'];
type Frames = Socket['schemas'];

/** The same type without names and intersections, so that two of them can be compared. */
type Plain<T> = T extends (infer Item)[] ? Plain<Item>[] : T extends object ? { [Key in keyof T]: Plain<T[Key]> } : T;

/** `true` if both types have the same properties with the same types, nullability and optionality. */
type Same<A, B> = (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;

export const agreement: {
  user: Same<library.User, Answers['User']>;
  ownUser: Same<library.OwnUser, Answers['OwnUser']>;
  attachment: Same<library.Attachment, Answers['Attachment']>;
  message: Same<library.Message, Answers['Message']>;
  found: Same<library.FoundMessage, Answers['FoundMessage']>;
  room: Same<library.Room, Answers['Room']>;
  row: Same<library.InboxRow, Answers['Conversation']>;
  tokens: Same<library.TokenAnswer, Answers['TokenAnswer']>;
  member: Same<keyof library.Member, keyof Answers['RoomMember']>;
  frameUser: Same<library.User, Frames['user']>;
  frameAttachment: Same<library.Attachment, Frames['attachment']>;
  frameMessage: Same<library.Message, Frames['message']>;
  frameRoom: Same<library.Room, Frames['room']>;
  created: Same<library.Message, Frames['server.message.created']['message']>;
  ready: Same<library.User, Frames['server.ready']['user']>;
} = {
  user: true,
  ownUser: true,
  attachment: true,
  message: true,
  found: true,
  room: true,
  row: true,
  tokens: true,
  member: true,
  frameUser: true,
  frameAttachment: true,
  frameMessage: true,
  frameRoom: true,
  created: true,
  ready: true,
};

/** A member that the server lists is one of the library, which has members of direct conversations besides. */
export const member = (listed: Answers['RoomMember']): library.Member => listed;

/** The comparison itself finds each kind of difference. */
export const differences: {
  missing: Same<{ a: string }, { a: string; b?: number }>;
  optional: Same<{ a: string }, { a?: string }>;
  nullable: Same<{ a: { b: string } }, { a: { b: string | null } }>;
  other: Same<{ a: string[] }, { a: number[] }>;
} = { missing: false, optional: false, nullable: false, other: false };
