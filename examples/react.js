/**
 * Confab in React (18 and newer). Give the client to the components, and read what it knows with these hooks:
 *
 *   const chat = new Confab();
 *   chat.start();
 *   createRoot(element).render(createElement(ChatContext.Provider, { value: chat }, createElement(App)));
 */
import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';

/** The client of the components below its provider. */
export const ChatContext = createContext(null);

/** The client. */
export function useChat() {
  const chat = useContext(ChatContext);
  if (!chat) throw new Error('There is no ChatContext.Provider around this component.');
  return chat;
}

/**
 * What a value of the library is now; the component renders again when it changes. A value returns the same object until it
 * changes, and that is never changed in place, so that all components of one rendering show the same.
 */
export function useValue(value) {
  const subscribe = useCallback((listener) => value.subscribe(listener), [value]);
  const read = useCallback(() => value.value, [value]);
  return useSyncExternalStore(subscribe, read, read);
}

/** How the client stands: `{status, retryAt, reason}`. */
export function useConnection() {
  return useValue(useChat().state);
}

/** The conversations, last activity first. */
export function useInbox() {
  return useValue(useChat().inbox);
}

/**
 * A conversation: `info`, `messages`, `members`, `typing`, `readers` and `outbox` as they are now, and `conversation` with its methods, such as
 * `conversation.send({ content })`.
 */
export function useConversation(id) {
  const conversation = useChat().conversation(id);
  return {
    conversation,
    info: useValue(conversation.info),
    messages: useValue(conversation.messages),
    members: useValue(conversation.members),
    typing: useValue(conversation.typing),
    readers: useValue(conversation.readers),
    outbox: useValue(conversation.outbox),
  };
}
