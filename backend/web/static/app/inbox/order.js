import { inbox } from '../chat.js';
import { computed, signal } from '../preact.js';
import { route } from '../router.js';

/** Whether the inbox shows only what is unread. */
export const isUnreadOnly = signal(false);

/** The id of the open conversation, or undefined. */
export const openId = computed(() => {
  const [first, id] = route.value.path;
  return first === 'c' ? id : undefined;
});

const shown = computed(() =>
  isUnreadOnly.value ? inbox.value.filter((row) => row.unread_count > 0 || row.id === openId.value) : inbox.value,
);

export const pinnedRows = computed(() => shown.value.filter((row) => row.is_pinned));
export const otherRows = computed(() => shown.value.filter((row) => !row.is_pinned));

/** The rows as the inbox shows them, from above. */
export const orderedRows = computed(() => [...pinnedRows.value, ...otherRows.value]);

/** How many messages are unread in the conversations that are not muted. */
export const unreadTotal = computed(() => inbox.value.reduce((sum, row) => sum + (row.is_muted ? 0 : row.unread_count), 0));
