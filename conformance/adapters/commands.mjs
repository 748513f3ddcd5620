/** The milliseconds that a device must sleep for confab.js to notice it without an event of the platform. */
const NAP = 11_000;

/**
 * The commands that docs/clients.md describes, for one client of confab.js.
 * @param {typeof import('../../backend/web/static/confab/confab.js').Confab} Confab
 * @param {(event: object) => void} write  reports an event
 */
export function commandsOf(Confab, write) {
  let chat;
  /** The conversations that a command named: the outbox is looked for in these and in those of the inbox. */
  const named = new Set();
  const tokens = new Map();
  let clockOffset = 0;
  const now = Date.now;
  Date.now = () => now() + clockOffset;

  const getToken = ({ reason }) =>
    new Promise((resolve) => {
      const name = String(tokens.size + 1);
      tokens.set(name, resolve);
      write({ event: 'token_wanted', for: name, reason });
    });
  const conversation = (id) => {
    named.add(id);
    return chat.conversation(id);
  };
  const items = () => {
    for (const { id } of chat.inbox.value) named.add(id);
    return [...named].flatMap((id) => chat.conversation(id).outbox.value);
  };
  const sentOf = (id) => items().find(({ clientMessageId }) => clientMessageId === id);

  return {
    start({ url, storage, mode, clock_offset = 0 }) {
      clockOffset = clock_offset * 1000;
      chat = new Confab({ url, storage, getToken: mode === 'get_token' ? getToken : undefined });
      chat.state.subscribe(({ status, reason, retryAt }) => write({ event: 'state', status, reason, retry_at: retryAt }));
      void chat.start();
    },
    token: ({ for: name, token }) => tokens.get(name)(token),
    sign_in: async ({ email, password }) => void (await chat.auth.login({ email, password })),
    sign_out: ({ forget = false }) => chat.auth.logout({ forget }),
    stop: () => chat.stop(),
    open: ({ conversation: id }) => void conversation(id),
    messages: ({ conversation: id }) => conversation(id).messages.value,
    members: ({ conversation: id }) => conversation(id).members.value.map(({ user }) => user.id),
    inbox: () => chat.inbox.value,
    outbox: () =>
      items().map(({ clientMessageId, state, error }) => ({ client_message_id: clientMessageId, state, code: error?.code })),
    send({ conversation: id, content, attachment }) {
      const attachments = attachment && [new File([attachment.text], attachment.name)];
      return { client_message_id: conversation(id).send({ content, attachments }).clientMessageId };
    },
    retry: ({ client_message_id }) => sentOf(client_message_id).retry(),
    cancel: ({ client_message_id }) => sentOf(client_message_id).cancel(),
    edit: async ({ conversation: id, message_id, content }) => void (await conversation(id).edit(message_id, content)),
    remove: ({ conversation: id, message_id }) => conversation(id).remove(message_id),
    read: ({ conversation: id, seq }) => conversation(id).read(seq),
    load_before: ({ conversation: id }) => conversation(id).loadBefore(),
    wake() {
      clockOffset += NAP;
    },
    jump({ seconds }) {
      clockOffset += seconds * 1000;
    },
  };
}
