// The types of what the server answers and of what the library takes. No module loads this file: it is for the type checker.

/**
 * A user. The fields of the account itself, such as `email`, are there for one's own account and for superusers alone.
 * @typedef {object} User
 * @property {number} id
 * @property {string} username
 * @property {string | null} full_name
 * @property {string | null} first_name
 * @property {string | null} last_name
 * @property {string | null} bio
 * @property {string | null} avatar_url
 * @property {boolean} is_active
 * @property {string[]} roles
 * @property {string} created_at
 * @property {string | null} last_seen_at
 * @property {string | null} [email]
 * @property {string | null} [mobile]
 * @property {boolean} [is_superuser]
 * @property {boolean} [email_verified]
 * @property {boolean} [mobile_verified]
 */

/**
 * The signed-in user.
 * @typedef {User & Required<Pick<User, 'email' | 'mobile' | 'is_superuser' | 'email_verified' | 'mobile_verified'>>} OwnUser
 */

/**
 * A file of a message. To show it, ask for a link: `chat.api.get(`/api/chat/attachments/${id}/link`)`.
 * @typedef {object} Attachment
 * @property {number} id
 * @property {string} filename
 * @property {string} content_type
 * @property {number} size in bytes
 * @property {number | null} width in pixels; null if it is no image
 * @property {number | null} height
 * @property {string} url
 * @property {string | null} thumbnail_url
 */

/**
 * The users who reacted with one emoji.
 * @typedef {object} Reaction
 * @property {string} emoji
 * @property {number} count
 * @property {number[]} user_ids
 */

/**
 * A message. A deleted one has no content, attachments or reactions any more.
 * @typedef {object} Message
 * @property {number} id
 * @property {string} conversation_id
 * @property {number} seq the place in the conversation: 1, 2, 3, … without gaps
 * @property {number} modseq the number of its last change in the conversation
 * @property {number} sender_id
 * @property {number | null} room_id
 * @property {number | null} recipient_id
 * @property {number | null} parent_id the message that it replies to
 * @property {string} content
 * @property {string} timestamp the same as `created_at`
 * @property {string} created_at
 * @property {string | null} edited_at
 * @property {string | null} deleted_at
 * @property {boolean} is_read whether the recipient of a direct message has read it
 * @property {Reaction[]} reactions
 * @property {Attachment[]} attachments
 * @property {number} reply_count
 * @property {number[]} mentions the ids of the users whom it mentions
 * @property {boolean} mentions_room whether it mentions every member of the room
 * @property {boolean} is_pinned
 * @property {string | null} client_message_id null in the messages of others
 */

/**
 * A message that a search found. Each highlight has a start and a length in `content`, in code points.
 * @typedef {Message & {highlights: number[][]}} FoundMessage
 */

/**
 * A room. `is_admin` and `joined_at` are there for its members alone.
 * @typedef {object} Room
 * @property {number} id
 * @property {string} name
 * @property {string | null} description
 * @property {boolean} is_public
 * @property {number} owner_id
 * @property {number} member_count
 * @property {string} conversation_id
 * @property {string} created_at
 * @property {string} updated_at
 * @property {boolean} [is_admin]
 * @property {string} [joined_at]
 */

/**
 * A member of a conversation.
 * @typedef {object} Member
 * @property {User} user
 * @property {boolean} is_admin
 * @property {string | null} joined_at null in a direct conversation
 */

/**
 * A conversation in the inbox.
 * @typedef {object} InboxRow
 * @property {string} id
 * @property {'lobby' | 'room' | 'dm'} kind
 * @property {Room} [room]
 * @property {User} [user] the other one of a direct conversation
 * @property {number} last_seq
 * @property {number} last_modseq
 * @property {number} last_read_seq
 * @property {number} unread_count
 * @property {number} mention_count
 * @property {Message | null} last_message
 * @property {boolean} is_muted
 * @property {boolean} is_pinned
 */

/**
 * What a sign-in answers.
 * @typedef {object} TokenAnswer
 * @property {string} access_token
 * @property {string} refresh_token
 * @property {'bearer'} token_type
 * @property {number} expires_in in seconds
 * @property {OwnUser} user
 */

/**
 * How the client stands: `live` means that everything shown is as it is on the server.
 * @typedef {object} State
 * @property {'signed-out' | 'offline' | 'connecting' | 'catching-up' | 'live'} status
 * @property {Date | null} retryAt when the next attempt is made
 * @property {string | null} reason
 */

/**
 * Gives the access token of the user, or null if nobody is signed in.
 * @typedef {(request: {reason: string}) => Promise<string | null> | string | null} GetToken
 */

/**
 * @typedef {object} Options
 * @property {string} [url] of the server; the page's own origin unless given
 * @property {GetToken} [getToken] gives the access token; without it, sign in through `chat.auth`
 * @property {string} [storage] `indexeddb`, `memory`, or in Node the path of a file
 * @property {string} [clientId] one for each device or tab: a second socket with the same one replaces the first
 */

/**
 * A message to send. It has content or attachments.
 * @typedef {object} Draft
 * @property {string} [content]
 * @property {number} [parentId] the message that it replies to
 * @property {(File | Blob)[]} [attachments]
 * @property {object} [metadata]
 * @property {string} [clientMessageId] made by the library unless given
 */

export {};
