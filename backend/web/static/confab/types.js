/**
 * The types of what the server answers and of what the library takes. No module loads this file: it is for the type checker.
 *
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
 *
 * @typedef {object} Attachment
 * @property {number} id
 * @property {string} filename
 * @property {string} content_type
 * @property {number} size
 * @property {number | null} [width]
 * @property {number | null} [height]
 * @property {string} url
 * @property {string | null} thumbnail_url
 *
 * @typedef {object} Message
 * @property {number} id
 * @property {string} conversation_id
 * @property {number} seq
 * @property {number} modseq
 * @property {number} sender_id
 * @property {number | null} room_id
 * @property {number | null} recipient_id
 * @property {number | null} parent_id
 * @property {string} content
 * @property {string} timestamp
 * @property {string} created_at
 * @property {string | null} edited_at
 * @property {string | null} deleted_at
 * @property {boolean} is_read
 * @property {{emoji: string, count: number, user_ids: number[]}[]} reactions
 * @property {Attachment[]} attachments
 * @property {number} reply_count
 * @property {number[]} mentions
 * @property {boolean} mentions_room
 * @property {boolean} is_pinned
 * @property {string | null} client_message_id
 *
 * @typedef {Message & {highlights: [number, number][]}} FoundMessage
 *
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
 *
 * @typedef {object} Member
 * @property {User} user
 * @property {boolean} is_admin
 * @property {string | null} joined_at
 *
 * @typedef {object} InboxRow
 * @property {string} id
 * @property {'lobby' | 'room' | 'dm'} kind
 * @property {Room} [room]
 * @property {User | null} [user]
 * @property {number} last_seq
 * @property {number} last_modseq
 * @property {number} last_read_seq
 * @property {number} unread_count
 * @property {number} mention_count
 * @property {Message | null} last_message
 * @property {boolean} is_muted
 * @property {boolean} is_pinned
 *
 * @typedef {object} TokenAnswer
 * @property {string} access_token
 * @property {string} refresh_token
 * @property {number} expires_in
 * @property {User} user
 *
 * @typedef {object} State
 * @property {'signed-out' | 'offline' | 'connecting' | 'catching-up' | 'live'} status
 * @property {Date | null} retryAt  when the next attempt is made
 * @property {string | null} reason
 *
 * @typedef {(request: {reason: string}) => Promise<string | null> | string | null} GetToken
 *
 * @typedef {object} Options
 * @property {string} [url]  of the server; the page's own origin unless given
 * @property {GetToken} [getToken]  gives the access token; without it, sign in through `chat.auth`
 * @property {string} [storage]  `indexeddb`, `memory`, or in Node the path of a file
 * @property {string} [clientId]  one for each device or tab: a second socket with the same one replaces the first
 *
 * @typedef {object} Draft
 * @property {string} [content]
 * @property {number} [parentId]
 * @property {(File | Blob)[]} [attachments]
 * @property {object} [metadata]
 * @property {string} [clientMessageId]
 */

export {};
