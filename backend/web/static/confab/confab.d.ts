// The types of /confab.js. Generated from its sources: `make format` writes this file anew.

/** A client of a Confab server: it keeps the user's conversations as they are on the server, and sends what it is given. */
declare class Confab {
    constructor(options?: Options);
    /** How the client stands. */
    state: Value<State>;
    /** Who is signed in. */
    user: Value<User | null>;
    /** The conversations, last activity first. */
    inbox: Value<InboxRow[]>;
    /** The ids of the users who are online, as far as the user may know. */
    online: Value<number[]>;
    /** Calls of the REST API: `get`, `post`, `put`, `patch`, `delete`, `all`. */
    api: Api;
    /** Signing in and out. */
    auth: {
        login: (body: {
            email?: string;
            username?: string;
            password: string;
            totp_code?: string;
            device_info?: string;
        }) => Promise<User>;
        register: (body: {
            email: string;
            password: string;
            [field: string]: any;
        }) => Promise<User>;
        verifyOtp: (body: {
            mobile: string;
            code: string;
            totp_code?: string;
            device_info?: string;
        }) => Promise<User>;
        /** @param body an assertion of the host application */
        exchange: (body: {
            token: string;
            device_info?: string;
        }) => Promise<User>;
        /** Sign out. With `forget`, nothing of the user stays on the device. */
        logout: (options?: {
            forget?: boolean;
        }) => Promise<void>;
    };
    /**
     * Show what is kept on the device, connect, and stay connected until `stop`. Resolves at the first `live`, however long that
     * takes, or with `stop`.
     */
    start(): Promise<void>;
    /** Close the socket, and keep what is not kept yet. */
    stop(): Promise<void>;
    /** A conversation, always the same object for the same id: `lobby`, `room:7`, `dm:3:9`. */
    conversation(id: string): Conversation;
    /** Full-text search. Resolves with messages, newest first, each with `highlights`. */
    search(q: string, filters?: {
        conversation_id?: string;
        sender_id?: number;
        before?: string;
        after?: string;
        has?: "attachment";
        skip?: number;
        limit?: number;
    }): Promise<FoundMessage[]>;
    /**
     * Call `listener` for `message` (each new message, once, also those that were missed while offline), and for every frame of
     * the server by its type: `message.updated`, `presence`, … Returns what ends it.
     */
    on<Name extends string>(name: Name, listener: (value: Name extends "message" ? Message : any) => void): () => void;
    #private;
}

/** An answer that is no success, or none at all (`status` 0, `code` `network`). */
declare class ApiError extends Error {
    /** @param retryAfter seconds */
    constructor(status: number, code: string, detail: string, retryAfter?: number, errors?: Record<string, string[]>);
    status: number;
    code: string;
    detail: string;
    retryAfter: number | undefined;
    errors: Record<string, string[]> | undefined;
    /** Whether the same request may succeed later: no network, a server that is away, too many requests. */
    get isTemporary(): boolean;
}

/**
 * A value that can be watched. It is replaced and never changed in place, so that two reads without a change between them return
 * the same object.
 */
declare class Value<T> {
    private constructor();
    /** What it is now. */
    get value(): T;
    /**
     * Call `listener` after changes: once for all changes that happen together.
     * @returns ends the subscription
     */
    subscribe(listener: (value: T) => void): () => void;
    #private;
}

/** A user. The fields of the account itself, such as `email`, are there for one's own account and for superusers alone. */
type User = {
    id: number;
    username: string;
    full_name: string | null;
    first_name: string | null;
    last_name: string | null;
    bio: string | null;
    avatar_url: string | null;
    is_active: boolean;
    roles: string[];
    created_at: string;
    last_seen_at: string | null;
    email?: string | null | undefined;
    mobile?: string | null | undefined;
    is_superuser?: boolean | undefined;
    email_verified?: boolean | undefined;
    mobile_verified?: boolean | undefined;
};

/** The signed-in user. */
type OwnUser = User & Required<Pick<User, "email" | "mobile" | "is_superuser" | "email_verified" | "mobile_verified">>;

/** A file of a message. To show it, ask for a link: `chat.api.get(`/api/chat/attachments/${id}/link`)`. */
type Attachment = {
    id: number;
    filename: string;
    content_type: string;
    /** in bytes */
    size: number;
    /** in pixels; null if it is no image */
    width: number | null;
    height: number | null;
    url: string;
    thumbnail_url: string | null;
};

/** The users who reacted with one emoji. */
type Reaction = {
    emoji: string;
    count: number;
    user_ids: number[];
};

/** A message. A deleted one has no content, attachments or reactions any more. */
type Message = {
    id: number;
    conversation_id: string;
    /** the place in the conversation: 1, 2, 3, … without gaps */
    seq: number;
    /** the number of its last change in the conversation */
    modseq: number;
    sender_id: number;
    room_id: number | null;
    recipient_id: number | null;
    /** the message that it replies to */
    parent_id: number | null;
    content: string;
    /** the same as `created_at` */
    timestamp: string;
    created_at: string;
    edited_at: string | null;
    deleted_at: string | null;
    /** whether the recipient of a direct message has read it */
    is_read: boolean;
    reactions: Reaction[];
    attachments: Attachment[];
    reply_count: number;
    /** the ids of the users whom it mentions */
    mentions: number[];
    /** whether it mentions every member of the room */
    mentions_room: boolean;
    is_pinned: boolean;
    /** null in the messages of others */
    client_message_id: string | null;
};

/** A message that a search found. Each highlight has a start and a length in `content`, in code points. */
type FoundMessage = Message & {
    highlights: number[][];
};

/** A room. `is_admin` and `joined_at` are there for its members alone. */
type Room = {
    id: number;
    name: string;
    description: string | null;
    is_public: boolean;
    owner_id: number;
    member_count: number;
    conversation_id: string;
    created_at: string;
    updated_at: string;
    is_admin?: boolean | undefined;
    joined_at?: string | undefined;
};

/** A member of a conversation. */
type Member = {
    user: User;
    is_admin: boolean;
    /** null in a direct conversation */
    joined_at: string | null;
};

/** A conversation in the inbox. */
type InboxRow = {
    id: string;
    kind: "lobby" | "room" | "dm";
    room?: Room | undefined;
    /** the other one of a direct conversation */
    user?: User | undefined;
    last_seq: number;
    last_modseq: number;
    last_read_seq: number;
    unread_count: number;
    mention_count: number;
    last_message: Message | null;
    is_muted: boolean;
    is_pinned: boolean;
};

/** How the client stands: `live` means that everything shown is as it is on the server. */
type State = {
    status: "signed-out" | "offline" | "connecting" | "catching-up" | "live";
    /** when the next attempt is made */
    retryAt: Date | null;
    reason: string | null;
};

/** Gives the access token of the user, or null if nobody is signed in. */
type GetToken = (request: {
    reason: string;
}) => Promise<string | null> | string | null;

type Options = {
    /** of the server; the page's own origin unless given */
    url?: string | undefined;
    /** gives the access token; without it, sign in through `chat.auth` */
    getToken?: GetToken | undefined;
    /** `indexeddb`, `memory`, or in Node the path of a file */
    storage?: string | undefined;
    /** one for each device or tab: a second socket with the same one replaces the first */
    clientId?: string | undefined;
};

/** A message to send. It has content or attachments. */
type Draft = {
    content?: string | undefined;
    /** the message that it replies to */
    parentId?: number | undefined;
    attachments?: (File | Blob)[] | undefined;
    metadata?: object | undefined;
    /** made by the library unless given */
    clientMessageId?: string | undefined;
};

/** Calls of the REST API, with the token of the session. Each resolves with JSON, text or a Blob, and rejects with ApiError. */
declare class Api {
    private constructor();
    get(path: string, signal?: AbortSignal): Promise<any>;
    /** @param onProgress gets how much of a FormData is uploaded, from 0 to 1; not called in Node */
    post(path: string, body?: any, signal?: AbortSignal, onProgress?: (part: number) => void): Promise<any>;
    put(path: string, body?: any): Promise<any>;
    patch(path: string, body?: any): Promise<any>;
    delete(path: string, body?: any): Promise<any>;
    /** All pages of a list. */
    all(path: string): Promise<any[]>;
    /** @param path such as `/api/rooms` */
    request(method: string, path: string, body?: any, signal?: AbortSignal): Promise<any>;
    #private;
}

/** A conversation: what is known of it, and what can be done in it. Obtained from `chat.conversation(id)`. */
declare class Conversation {
    private constructor();
    /** The messages around the reader, oldest first. */
    messages: Value<Message[]>;
    /** The members of a room, or the other side of a direct conversation. */
    members: Value<Member[]>;
    /** The ids of the users who are typing. */
    typing: Value<number[]>;
    /** The read marks that arrived since the start: `{user_id: seq}`. */
    readers: Value<Record<number, number>>;
    /** What `send` returned and is not sent yet, in order. */
    outbox: Value<Sent[]>;
    /** The row of the inbox, or null. */
    info: Value<InboxRow | null>;
    id: string;
    /** Whether earlier messages than those in `messages` exist. */
    get hasBefore(): boolean;
    /** Whether later messages than those in `messages` exist, after `loadAround`. */
    get hasAfter(): boolean;
    /** Load older messages. */
    loadBefore(): Promise<void>;
    /** Load later messages, after `loadAround`. */
    loadAfter(): Promise<void>;
    /** Show the messages around `seq`. */
    loadAround(seq: number): Promise<void>;
    /** Show the newest messages. */
    loadLatest(): Promise<void>;
    /** Send a message. It is kept on the device until the server has it, and shows up once. */
    send(draft: Draft): Sent;
    /** Move the read mark forward to `seq`. */
    read(seq: number): void;
    /** Mark the message `seq` and all later ones as unread. */
    unread(seq: number): Promise<void>;
    /** Mute or pin the conversation, for oneself. */
    update(settings: {
        is_muted?: boolean;
        is_pinned?: boolean;
    }): Promise<void>;
    /** Tell the others that one is typing. To be called at each key: it is sent once in three seconds. */
    startTyping(): void;
    /** Tell the others that one does not type any more. */
    stopTyping(): void;
    /**
     * Change the content of one's own message. With the `modseq` of the version that is edited, it rejects with `edit_conflict` if
     * that is not the last one.
     */
    edit(id: number, content: string, options?: {
        modseq?: number;
    }): Promise<Message>;
    /** Delete a message; with `hard`, for ever. */
    remove(id: number, { hard }?: {
        hard?: boolean;
    }): Promise<void>;
    /** Add a reaction. */
    react(id: number, emoji: string): Promise<Message>;
    /** Take a reaction back. */
    unreact(id: number, emoji: string): Promise<Message>;
    #private;
}

/** A message that is on its way: what `send` returns. */
declare class Sent {
    private constructor();
    /** The state, to watch. */
    changes: Value<"queued" | "sending" | "sent" | "failed">;
    /** Why the state is `failed`. */
    error: {
        status: number;
        code: string;
        detail: string;
    } | null;
    /** How much of the attachments is uploaded, from 0 to 1. */
    progress: Value<number>;
    /** The attachments, to show them. */
    attachments: readonly {
        name: string;
        size: number;
        type: string;
    }[];
    /** Resolves with the message, rejects with `{status, code, detail}` when the server refuses it. */
    get done(): Promise<Message>;
    get clientMessageId(): string;
    get content(): string;
    /** The message that it replies to. */
    get parentId(): number | undefined;
    get state(): "queued" | "sending" | "sent" | "failed";
    /** Send a message again that the server refused. */
    retry(): void;
    /** Do not send it, unless it is sent already. An upload that is under way ends. */
    cancel(): void;
    #private;
}

export { ApiError, Confab, Value };

export type { Api, Attachment, Conversation, Draft, FoundMessage, GetToken, InboxRow, Member, Message, Options, OwnUser, Reaction, Room, Sent, State, User };
