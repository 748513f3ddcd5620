import { state } from '../chat.js';
import { effect, signal, untracked, useLayoutEffect, useMemo, useRef, useState } from '../preact.js';
import { t } from '../text.js';
import { toast, toastError } from '../ui/toast.js';
import { afterChange, around, atEnd, indexOf, inRange, withEarlier, withLater } from './range.js';
import { ScrollPlace } from './scroll.js';
import { usePaced } from './use-paced.js';

const HIGHLIGHTED_FOR = 2500;

/**
 * The part of a conversation's messages that is in the document, and the scrolling through all of them.
 * @param {any} signals of the conversation
 * @param {any} row of the inbox
 * @param {number | null} seq the message to show
 */
export function useTimeline(signals, row, seq) {
  const [, setCount] = useState(0);
  const update = () => setCount((count) => count + 1);
  usePaced(signals.messages, update);
  const timeline = useMemo(() => new Timeline(signals, update), [signals]);
  timeline.take();
  useLayoutEffect(() => timeline.start(row), []);
  useLayoutEffect(() => timeline.rendered());
  useLayoutEffect(() => {
    if (seq) void timeline.show(seq, { isTarget: true });
  }, [seq]);
  const { length } = signals.outbox.value.filter(({ parentId }) => !parentId);
  const sending = useRef(length);
  useLayoutEffect(() => {
    if (length > sending.current) timeline.showPresent();
    sending.current = length;
  }, [length]);
  return timeline;
}

class Timeline {
  scroller = { current: null };
  content = { current: null };
  /** Whether the place is so far from the present that a way back is shown, and how many messages came meanwhile. */
  below = signal({ isAway: false, count: 0 });
  /** Whether more messages are asked for. */
  isLoading = signal(false);
  /** Whether the first unread message is above what can be seen. */
  isUnreadAbove = signal(false);
  /** The messages in the document. @type {any[]} */
  shown = [];
  /** The seq of the first message that was unread when the conversation was opened. */
  unreadFrom = 0;
  highlightedId = null;
  error = null;
  #signals;
  #update;
  #messages = [];
  #range = null;
  #place = new ScrollPlace();
  #target = null;
  #seen = 0;
  #mark = 0;
  /** The user marked messages as unread: what is seen from then on does not make them read again. */
  #isHeld = false;
  #isUnreadSeen = false;
  /** Whether there are unread messages because the user is in another window. */
  #wasAway = false;
  #fading = 0;
  /** The ids of the first and the last message that were rendered. */
  #ends = [];
  /** The messages of the last rendering. */
  #looked = null;

  constructor(signals, update) {
    this.#signals = signals;
    this.#update = update;
  }

  get #conversation() {
    return this.#signals.conversation;
  }

  /** Whether the first message at hand is in the document. */
  get isFirst() {
    return !this.#messages.length || this.shown[0] === this.#messages[0];
  }

  /** Whether the last message of the conversation is in the document. */
  get isPresent() {
    return !this.#conversation.hasAfter && (!this.#range || this.#range.last === Infinity);
  }

  /** Take over the messages as they are now. */
  take() {
    const { value: messages } = this.#conversation.messages;
    if (messages !== this.#messages) {
      this.#range = this.#range ? afterChange(messages, this.#range, this.#place.isAtBottom) : atEnd(messages);
      this.#messages = messages;
      this.error = null;
    }
    this.shown = inRange(messages, this.#range);
  }

  start(row) {
    this.#mark = row.last_read_seq;
    this.#seen = row.last_read_seq;
    if (row.unread_count) this.unreadFrom = row.last_read_seq + 1;
    this.#place.element = this.scroller.current;
    const observer = new ResizeObserver(this.#settle);
    observer.observe(this.content.current);
    observer.observe(this.scroller.current);
    const look = () => this.#look();
    addEventListener('focus', look);
    document.addEventListener('visibilitychange', look);
    const ends = [
      effect(() => this.#counted(this.#signals.info.value)),
      effect(() => {
        if (state.value.status === 'live' && this.error) untracked(this.retry);
      }),
    ];
    return () => {
      for (const end of ends) end();
      observer.disconnect();
      removeEventListener('focus', look);
      document.removeEventListener('visibilitychange', look);
    };
  }

  #settle = () => {
    if (!this.scroller.current) return;
    this.#place.resized();
    this.#look();
  };

  onScroll = () => {
    this.#place.take(this.isPresent);
    this.#look();
  };

  /**
   * The list was rendered: go to the message that is to be shown, or stay where one was before. What that does at the bottom is left
   * to the observer of the height, because the browser then lays out once for each frame.
   */
  rendered() {
    const target = this.#target && this.#articleOf(this.#target.seq);
    if (target) this.#arrive(target);
    else if (!this.#place.isAtBottom && this.shown[0]?.id !== this.#ends[0]) this.#place.restore();
    const ends = [this.shown[0]?.id, this.shown.at(-1)?.id];
    if (ends[0] !== this.#ends[0] || ends[1] !== this.#ends[1]) this.#place.changed(this.#ends[1]);
    this.#ends = ends;
    if (this.#messages === this.#looked) return;
    this.#looked = this.#messages;
    // What was loaded may be out of what is shown: then nothing scrolls and nothing grows.
    requestAnimationFrame(this.#settle);
  }

  /** See what is in view: load more near an end, move the read mark, and show the ways to elsewhere. */
  #look() {
    if (!this.scroller.current?.clientHeight) return;
    if (!this.#messages.length) {
      const { hasBefore, messages } = this.#conversation;
      // Those that arrived already are shown in a moment.
      if (hasBefore && !messages.value.length) void this.#load('loadBefore');
      return;
    }
    const { first, last } = this.#place.seen();
    const end = this.#signals.info.peek()?.last_seq ?? 0;
    const isAtEnd = this.isPresent && this.#place.isAtBottom;
    this.#seen = Math.max(this.#seen, isAtEnd ? end : last);
    const count = Math.max(0, end - this.#seen);
    const isAway = !isAtEnd && (count > 0 || !this.isPresent || !this.#place.isNearEnd);
    const before = this.below.peek();
    if (before.isAway !== isAway || before.count !== count) this.below.value = { isAway, count };
    this.isUnreadAbove.value = this.unreadFrom > 0 && first > this.unreadFrom && !this.#isUnreadSeen;
    if (this.unreadFrom && first <= this.unreadFrom) this.#isUnreadSeen = true;
    if (!this.#isHeld && document.hasFocus() && document.visibilityState === 'visible' && last) this.#conversation.read(last);
    if (!this.#target) this.#loadNearEnds();
  }

  #loadNearEnds() {
    const { first, last } = this.#range;
    if (this.#place.isNearTop) {
      if (indexOf(this.#messages, first) > 0) this.#setRange(withEarlier(this.#messages, this.#range));
      else if (this.#conversation.hasBefore) void this.#load('loadBefore');
    }
    if (this.#place.isNearEnd && !this.#place.isAtBottom) {
      if (last !== Infinity) this.#setRange(withLater(this.#messages, this.#range));
      else if (this.#conversation.hasAfter) void this.#load('loadAfter');
    }
  }

  #setRange(range) {
    if (range.first === this.#range.first && range.last === this.#range.last) return;
    this.#range = range;
    this.#update();
  }

  async #load(name) {
    if (this.isLoading.peek() || this.error) return;
    this.isLoading.value = true;
    try {
      await this.#conversation[name]();
    } catch (error) {
      this.error = error;
      this.#update();
    }
    this.isLoading.value = false;
  }

  retry = () => {
    this.error = null;
    this.#update();
    this.#look();
  };

  /** The counts of the conversation changed. */
  #counted(row) {
    if (!row) return;
    const { last_read_seq: mark, unread_count: unread } = row;
    // Backwards the read mark moves only when the user wants that.
    if (mark < this.#mark) this.#isHeld = true;
    const isNewWhileAway = unread > 0 && !document.hasFocus() && !this.#wasAway;
    if (mark < this.#mark || isNewWhileAway) {
      this.unreadFrom = mark + 1;
      this.#isUnreadSeen = false;
      this.#update();
    }
    this.#wasAway = unread > 0 && !document.hasFocus();
    this.#mark = mark;
  }

  /** Show a message in the middle of the window. A target is highlighted for a moment, and gets the focus. */
  async show(seq, { isTarget = false } = {}) {
    const target = { seq, isTarget };
    this.#target = target;
    try {
      if (!this.#messages.some((message) => message.seq === seq)) await this.#conversation.loadAround(seq);
    } catch (error) {
      if (this.#target === target) this.#target = null;
      return toastError(error);
    }
    if (this.#target !== target) return; // the user goes elsewhere meanwhile
    this.take();
    if (!this.#messages.some((message) => message.seq === seq)) {
      this.#target = null;
      return void toast(t('message.absent'), { kind: 'error' });
    }
    this.#place.isAtBottom = false;
    this.#range = around(this.#messages, seq);
    this.#update();
  }

  #articleOf(seq) {
    return this.scroller.current.querySelector(`article[data-seq="${seq}"]`);
  }

  #arrive(article) {
    const { isTarget } = this.#target;
    this.#target = null;
    this.#place.isAtBottom = false;
    this.#place.show(article);
    // What comes into view gets its real height now, and moves the rest.
    requestAnimationFrame(() => article.isConnected && this.#place.show(article));
    if (!isTarget) return;
    article.focus({ preventScroll: true });
    this.#highlight(Number(article.dataset.id));
  }

  #highlight(id) {
    clearTimeout(this.#fading);
    this.highlightedId = id;
    if (id) this.#fading = setTimeout(() => this.#highlight(null), HIGHLIGHTED_FOR);
    this.#update();
  }

  showUnread = () => this.show(this.unreadFrom, { isTarget: true });

  showPresent = async () => {
    this.#target = null;
    if (this.#conversation.hasAfter) await this.#conversation.loadLatest().catch(toastError);
    this.take();
    this.#range = atEnd(this.#messages);
    this.#place.follow();
    this.#update();
    // Where nothing else is to be rendered, no height changes.
    requestAnimationFrame(this.#settle);
  };
}
