// What the store of the client library shows where messages are loaded while others arrive: node loading.mjs SOURCES NAME
//
// Each function below arranges one order of events, and returns the tab. The message 2 was edited last, and all are read.

import { pathToFileURL } from 'node:url';

const [sources, name] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(`${sources}/${file}`).href);
const { Store } = await load('store.js');
const { MemoryStorage } = await load('storage.js');
const { ApiError } = await load('api.js');
const { CatchUp } = await load('catch-up.js');

const ID = 'room:1';
const message = (seq, modseq, content) => ({ id: seq, conversation_id: ID, seq, modseq, content, sender_id: 2, mentions: [] });
const before = [1, 2, 3].map((seq) => message(seq, seq, `${seq}`));
const edited = message(2, 4, '2 edited');
const after = [before[0], edited, before[2]];
const event = { type: 'message.updated', conversation_id: ID, modseq: 4, message: edited };
const row = (last_modseq) => ({
  id: ID,
  kind: 'other',
  last_seq: 3,
  last_modseq,
  last_read_seq: 3,
  unread_count: 0,
  mention_count: 0,
});
const page = (messages, last_modseq) => ({
  type: 'resumed',
  conversations: [{ ...row(last_modseq), messages, members: [] }],
  gone: [],
});
/** The messages as direct ones, of user 1 or to user 1. */
const direct = (messages, recipient_id, is_read) =>
  messages.map((each) => ({ ...each, recipient_id, sender_id: 3 - recipient_id, is_read }));
const settle = () => new Promise((resolve) => setTimeout(resolve));
const requested = async ({ requests }) => {
  while (!requests.length) await settle();
};

/** A device with storage, whose reads of messages wait for `release` after `hold`. */
class Device extends MemoryStorage {
  #gate = Promise.resolve();

  hold() {
    this.#gate = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  async list(prefix) {
    const found = await super.list(prefix);
    if (prefix[1] === 'message') await this.#gate;
    return found;
  }
}

/** A tab: its store, and the requests that wait for an answer, or for an error. */
async function open(device, isLeader) {
  const requests = [];
  const get = () =>
    new Promise((resolve, reject) => {
      requests.push((answer) => (answer instanceof Error ? reject(answer) : resolve(structuredClone(answer))));
    });
  const context = { emit() {}, mayRead: () => isLeader, ask() {}, share: (row) => store.rows.take(row), send() {} };
  const store = new Store({ get, request: get }, async () => device, { arrived() {}, of: () => [] }, context);
  await store.enter(1);
  if (isLeader) await store.keeper.lead();
  return { store, requests, conversation: store.conversation(ID) };
}

/** A leading tab that knows the messages, has kept them, and has closed the conversation. */
async function leading(device = new Device()) {
  const tab = await open(device, true);
  tab.store.takeInbox([row(3)]);
  void tab.conversation.open();
  await settle();
  tab.requests.pop()(before);
  await settle();
  await tab.store.keeper.flush();
  return tab;
}

const shown = ({ conversation }) =>
  conversation.messages.value.map(({ content, recipient_id, is_read }) =>
    recipient_id && !is_read ? `${content}, unread` : content,
  );

const orders = {
  async 'an event before a page that is older'() {
    const tab = await open(new Device(), true);
    tab.store.takeInbox([row(3)]);
    void tab.conversation.open();
    await settle();
    tab.store.apply(event);
    tab.requests.pop()(before);
    return tab;
  },

  async 'an event while the device is read'() {
    const device = new Device();
    await leading(device);
    const tab = await open(device, true);
    device.hold();
    void tab.conversation.open();
    await settle();
    tab.store.apply(event);
    device.release();
    return tab;
  },

  async 'the leading tab has not kept an event yet'() {
    const device = new Device();
    const leader = await leading(device);
    const tab = await open(device, false);
    leader.store.apply(event);
    tab.store.apply(event);
    void tab.conversation.open();
    await settle();
    tab.requests.pop()?.(after);
    return tab;
  },

  async 'a snapshot while a page is loaded'() {
    const leader = await leading();
    const tab = await open(new Device(), false);
    tab.store.takeInbox([row(3)]);
    void tab.conversation.open();
    await settle();
    leader.store.apply(event);
    tab.store.takeSnapshot(leader.store.snapshot());
    tab.requests.pop()(before);
    await settle();
    tab.requests.pop()?.(after);
    return tab;
  },

  async 'a snapshot while the device is read'() {
    const device = new Device();
    const leader = await leading(device);
    const tab = await open(device, false);
    device.hold();
    void tab.conversation.open();
    await settle();
    leader.store.apply(event);
    tab.store.takeSnapshot(leader.store.snapshot());
    device.release();
    await settle();
    tab.requests.pop()?.(after);
    return tab;
  },

  async 'a follower that heard an event of an interrupted resume, and leads'() {
    const leader = await leading();
    const tab = await open(new Device(), false);
    leader.store.apply({ type: 'ready', online: [] });
    tab.store.takeSnapshot(leader.store.snapshot());
    tab.store.apply({ ...event, modseq: 5, message: message(3, 5, '3 edited') });
    await tab.store.keeper.lead();
    if (tab.store.positions()[ID] !== 3) throw new Error(`It resumes from ${tab.store.positions()[ID]}.`);
    tab.store.apply({ type: 'ready', online: [] });
    void tab.conversation.open();
    await settle();
    tab.requests.pop()?.(after);
    return tab;
  },

  async 'an event before a page of the resume that is older, of a message that only the device has'() {
    const device = new Device();
    await leading(device);
    const resuming = await open(device, true);
    resuming.store.apply({ type: 'ready', online: [] });
    resuming.store.apply(event);
    resuming.store.apply(page([{ ...before[1], modseq: 3.5 }], 3.5));
    resuming.store.caughtUp();
    resuming.store.apply({ ...event, modseq: 5, message: { ...before[2], modseq: 5 } });
    await resuming.store.keeper.flush();
    const tab = await open(device, true);
    void tab.conversation.open();
    return tab;
  },

  async 'a read mark before a page that is older'() {
    const tab = await open(new Device(), true);
    tab.store.takeInbox([row(4)]);
    void tab.conversation.open();
    await settle();
    tab.store.apply({ type: 'read', conversation_id: ID, user_id: 2, seq: 3 });
    tab.requests.pop()(direct(after, 2, false));
    return tab;
  },

  async 'a read mark before the event of its message'() {
    const tab = await open(new Device(), true);
    tab.store.takeInbox([{ ...row(4), last_seq: 2, last_read_seq: 2 }]);
    void tab.conversation.open();
    await settle();
    tab.requests.pop()(direct(after.slice(0, 2), 2, true));
    await settle();
    tab.store.apply({ type: 'read', conversation_id: ID, user_id: 2, seq: 3 });
    const [created] = direct([message(3, 5, '3')], 2, false);
    tab.store.apply({ ...event, type: 'message.created', modseq: 5, message: created });
    return tab;
  },

  async 'a row that could not be read'() {
    const tab = await leading();
    tab.store.apply(event);
    tab.store.apply({ type: 'read', conversation_id: ID, user_id: 1, seq: 1 }); // late, or set back: the row is asked for
    await requested(tab);
    tab.requests.pop()(new ApiError(503, 'unavailable', 'The database is away.'));
    await requested(tab);
    tab.requests.pop()({ ...row(4), last_read_seq: 1, unread_count: 2 });
    await settle();
    const { unread_count } = tab.conversation.info.value;
    if (unread_count !== 2) throw new Error(`${unread_count} are unread.`);
    return tab;
  },

  async 'a read mark before an event that is older'() {
    const tab = await open(new Device(), true);
    tab.store.takeInbox([row(3)]);
    void tab.conversation.open();
    await settle();
    tab.requests.pop()(direct(before, 2, true));
    await settle();
    tab.store.apply({ ...event, message: direct([edited], 2, false)[0] });
    return tab;
  },

  async 'own read marks in reversed order'() {
    const tab = await leading();
    tab.store.rows.set(tab.conversation, { ...row(3), last_read_seq: 0 });
    tab.store.apply({ type: 'read', conversation_id: ID, user_id: 1, seq: 3 });
    tab.store.apply({ type: 'read', conversation_id: ID, user_id: 1, seq: 2 });
    tab.store.apply({ type: 'inbox.updated', conversation_id: ID, is_muted: false, is_pinned: false, last_read_seq: 2 });
    tab.store.changes.page({ ...row(3), last_read_seq: 2, messages: [], members: [] });
    if (tab.conversation.row.last_read_seq !== 3) throw new Error('The mark goes back.');
    while (!tab.requests.length) await settle();
    tab.requests.pop()({ ...row(3), last_read_seq: 1 }); // the user marked it as unread on another device
    await settle();
    if (tab.conversation.row.last_read_seq !== 1) throw new Error('The mark does not go back.');
    tab.store.apply(event);
    return tab;
  },

  async 'a read mark that is answered after an event'() {
    const tab = await leading();
    tab.store.rows.set(tab.conversation, { ...row(3), last_read_seq: 0 });
    let isAsked = false;
    tab.store.rows.refresh = () => {
      isAsked = true;
    };
    tab.conversation.read(2);
    tab.store.apply(event);
    tab.requests.pop()({ ...row(3), last_read_seq: 2 });
    await settle();
    if (isAsked) throw new Error('The row is asked for, though all unread messages are at hand.');
    const { unread_count, last_read_seq } = tab.conversation.row;
    if (unread_count !== 1 || last_read_seq !== 2) throw new Error(`${unread_count} are unread after ${last_read_seq}.`);
    return tab;
  },

  async 'an inbox that is answered after the next socket has caught up'() {
    const tab = await leading();
    const answers = [];
    const all = () => new Promise((resolve) => answers.push(resolve));
    const broadcast = ({ kind, rows, frame }) => {
      if (kind === 'inbox') tab.store.takeInbox(rows);
      else if (kind === 'frame') tab.store.apply(frame);
    };
    const settings = (is_muted) => ({ is_muted, is_pinned: false, last_read_seq: 3 });
    const updated = (is_muted) => ({ type: 'inbox.updated', conversation_id: ID, ...settings(is_muted) });
    const catchUp = new CatchUp({ all }, tab.store, async () => {}, broadcast);
    void catchUp.run();
    catchUp.apply(updated(true));
    void catchUp.run();
    answers[1]([{ ...row(3), ...settings(true) }]);
    await settle();
    catchUp.apply(event);
    catchUp.apply(updated(false));
    answers[0]([{ ...row(3), ...settings(true) }]);
    await settle();
    if (tab.conversation.row.is_muted) throw new Error('A former setting is shown.');
    return tab;
  },

  async 'a setting that is answered after an event'() {
    const tab = await leading();
    tab.store.rows.set(tab.conversation, { ...row(3), last_read_seq: 1 });
    void tab.conversation.update({ is_muted: true });
    tab.store.apply(event);
    tab.store.apply({ type: 'read', conversation_id: ID, user_id: 1, seq: 3 });
    tab.requests.pop()({ ...row(4), last_read_seq: 1, unread_count: 2, is_muted: true });
    await requested(tab);
    if (!tab.conversation.row.is_muted) throw new Error('The setting is not shown before the row is read again.');
    tab.requests.pop()({ ...row(4), is_muted: true });
    await settle();
    const { unread_count, last_read_seq } = tab.conversation.row;
    if (unread_count !== 0 || last_read_seq !== 3) throw new Error(`${unread_count} are unread after ${last_read_seq}.`);
    return tab;
  },

  async 'an own read mark after the messages were kept'() {
    const device = new Device();
    const earlier = await open(device, true);
    earlier.store.takeInbox([{ ...row(4), last_read_seq: 0, unread_count: 3 }]);
    void earlier.conversation.open();
    await settle();
    earlier.requests.pop()(direct(after, 1, false));
    await settle();
    earlier.store.apply({ type: 'read', conversation_id: ID, user_id: 1, seq: 3 });
    await earlier.store.keeper.flush();
    const tab = await open(device, true);
    void tab.conversation.open();
    return tab;
  },
};

const tab = await orders[name]();
await settle();
console.log(JSON.stringify(shown(tab)));
process.exit();
