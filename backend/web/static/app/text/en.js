// All words of the page, in English. To translate it, copy this file, translate the values, and keep the names in braces. A text with
// a number has the plural forms of the language (Intl.PluralRules): `one`, `other`, and in other languages `zero`, `two`, `few`, `many`.
// The keys are in the order of the features.

export const en = {
  // Everywhere
  'action.back': 'Back',
  'action.cancel': 'Cancel',
  'action.close': 'Close',
  'action.copy': 'Copy',
  'action.delete': 'Delete',
  'action.edit': 'Edit',
  'action.more': 'More',
  'action.retry': 'Try again',
  'action.save': 'Save',
  'action.send': 'Send',
  'error.load.text': 'Check the connection, then try again.',
  'error.load.title': 'This part could not be loaded',
  'error.network.text': 'The server cannot be reached. Check your connection, then try again.',
  'error.network.title': 'You are offline',
  'error.title': 'That did not work',
  'field.email': 'Email',
  'field.password': 'Password',
  'navigation.conversations': 'Conversations',
  'navigation.skip': 'Skip to the conversation',
  'state.loading': 'Loading…',

  // The connection
  'connection.catching-up': 'Catching up…',
  'connection.connecting': 'Connecting…',
  'connection.offline': 'You are offline. What you write is sent when the connection is back.',
  'connection.retry': { one: 'Next attempt in {count} second', other: 'Next attempt in {count} seconds' },

  // People
  'person.deleted': 'Deleted user',
  'person.last-seen': 'Last seen {when}',
  'person.online': 'Online',
  'person.unknown': '…',

  // Sign-in, registration, links of mails and invites
  'link.join.title': 'Join a room',
  'link.reset.title': 'Set a new password',
  'link.verify.title': 'Confirm your email address',
  'register.action': 'Create the account',
  'register.title': 'Create an account',
  'sign-in.action': 'Sign in',
  'sign-in.title': 'Sign in',

  // The inbox
  'inbox.all': 'Conversations',
  'inbox.empty.text': 'Join a room, or write to somebody.',
  'inbox.empty.title': 'No conversations yet',
  'inbox.mentions': { one: '{count} mention', other: '{count} mentions' },
  'inbox.muted': 'Muted',
  'inbox.no-message': 'No messages yet',
  'inbox.other': '{name}: {text}',
  'inbox.own': 'You: {text}',
  'inbox.pinned': 'Pinned',
  'inbox.unread': { one: '{count} unread message', other: '{count} unread messages' },
  'welcome.text': 'Choose one in the list, or press Ctrl+K to find one.',
  'welcome.title': 'No conversation is open',

  // Rooms and people
  'details.title': 'Details',
  'people.title': 'People',
  'room.members': { one: '{count} member', other: '{count} members' },
  'rooms.browse': 'Browse rooms',
  'rooms.create': 'New room',

  // Conversations and messages
  'conversation.absent.text': 'It does not exist, or you are not a member of it.',
  'conversation.absent.title': 'There is nothing to read here',
  'conversation.empty.text': 'Write the first message.',
  'conversation.empty.title': 'No messages yet',
  'conversation.lobby': 'Lobby',
  'conversation.lobby.subtitle': 'Everybody is here',
  'conversation.messages': 'Messages',
  'conversation.notes': 'Notes to self',
  'message.deleted': 'This message was deleted.',
  'message.files': { one: '{count} file', other: '{count} files' },
  'pins.title': 'Pinned messages',
  'typing.many': 'Several people are typing…',
  'typing.some': { one: '{names} is typing…', other: '{names} are typing…' },

  // The composer
  'composer.attach': 'Attach files',
  'composer.completions': 'Suggestions',
  'composer.drop': 'Drop the files to attach them',
  'composer.emoji': 'Emoji',
  'composer.everybody': 'Everybody in this room',
  'composer.files': 'Attached files',
  'composer.label': 'Message to {name}',
  'composer.left': { one: '{count} character left', other: '{count} characters left' },
  'composer.remove-file': 'Remove {name}',
  'composer.reply': 'Reply',
  'composer.too-long': {
    one: '{count} character too many. Shorten the text.',
    other: '{count} characters too many. Shorten the text.',
  },
  'composer.too-many-files': 'A message can have {count} files. The others were left out.',
  'outbox.cancel': 'Cancel',
  'outbox.failed': 'Not sent',
  'outbox.label': 'On its way: {text}',
  'outbox.progress': 'Upload',
  'outbox.queued': 'Sent when the connection is back',
  'outbox.sending': 'Sending…',
  'outbox.uploading': 'Uploading…',

  // Search
  'search.in-conversation': 'Search in this conversation',
  'search.title': 'Search',
};
