/** So near to the bottom one counts as being there. */
const NEAR_BOTTOM = 40;
/** More messages are wanted when so little is left beyond the edge, in heights of the window. */
const AHEAD = 1.5;

/** Browsers that keep in place what is read when something above it grows. Safari does not. */
const KEEPS_PLACE = CSS.supports('overflow-anchor', 'auto');

/**
 * Where the reader is in a scrolling list of messages: at the bottom, which is followed, or at a message, which stays where it is on
 * the screen whatever is added before it.
 */
export class ScrollPlace {
  isAtBottom = true;
  /** @type {HTMLElement | null} */
  element = null;
  /** The first message that is wholly visible, and how far it is from the top. */
  #anchor = { id: '', top: 0 };
  #isHidden = false;
  /** The message that was the last one before the list changed, '' if there was none, null while it has not changed. */
  #lastBefore = null;
  /** How far down the list was when it was last at the bottom. */
  #bottom = 0;

  articles() {
    return this.element.querySelectorAll('article[data-seq]');
  }

  /** Take the place from where the list is now. @param {boolean} hasBottom whether its end is that of the conversation */
  take(hasBottom) {
    // New messages are below already, and the bottom is not followed yet.
    const isBehind = this.isAtBottom && this.#lastBefore !== null && !this.#wentUp();
    this.#lastBefore = null;
    if (isBehind) return;
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    this.isAtBottom = hasBottom && scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM;
    if (this.isAtBottom) this.#bottom = scrollTop;
    const articles = this.articles();
    const article = articles[firstBelow(articles, this.element.getBoundingClientRect().top)];
    if (article) this.#anchor = { id: article.dataset.id, top: article.getBoundingClientRect().top };
  }

  /** Come back to the place, after the list has changed. */
  restore() {
    const { element } = this;
    if (this.isAtBottom) {
      element.scrollTop = element.scrollHeight;
      this.#bottom = element.scrollTop;
    } else {
      const article = element.querySelector(`article[data-id="${this.#anchor.id}"]`);
      const moved = article ? article.getBoundingClientRect().top - this.#anchor.top : 0;
      if (Math.abs(moved) >= 1) element.scrollTop += moved;
    }
  }

  /** Messages were added or removed. @param {string | undefined} lastId the message that was the last one until then */
  changed(lastId) {
    this.#lastBefore ??= lastId ?? '';
  }

  /** Whether the reader left the bottom as it was before the list changed. */
  #wentUp() {
    const { element } = this;
    if (element.scrollTop >= this.#bottom) return false;
    // The list is also further up if messages above were removed. Then the last message stayed where it was.
    const article = element.querySelector(`article[data-id="${this.#lastBefore}"]`);
    return article !== null && article.getBoundingClientRect().bottom > element.getBoundingClientRect().bottom + NEAR_BOTTOM;
  }

  /** Go to the bottom at the next chance, and follow it. */
  follow() {
    this.isAtBottom = true;
    this.#bottom = 0;
  }

  /** Something in the list became higher or lower. */
  resized() {
    const wasHidden = this.#isHidden;
    this.#lastBefore = null;
    this.#isHidden = !this.element.clientHeight;
    // A list that is not displayed forgets where it was.
    if (!this.#isHidden && (wasHidden || this.isAtBottom || !KEEPS_PLACE)) this.restore();
  }

  /** Put a message into the middle of the window. @param {Element} article */
  show(article) {
    article.scrollIntoView({ block: 'center' });
    this.#anchor = { id: article.dataset.id, top: article.getBoundingClientRect().top };
  }

  get isNearTop() {
    return this.element.scrollTop < AHEAD * this.element.clientHeight;
  }

  get isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < AHEAD * clientHeight;
  }

  /** The seqs of the first and the last message that can be seen. */
  seen() {
    const { top, bottom } = this.element.getBoundingClientRect();
    const articles = this.articles();
    const first = articles[firstBelow(articles, top)];
    const after = firstBelow(articles, bottom);
    const last = articles[Math.max(after - 1, 0)];
    return { first: Number(first?.dataset.seq ?? Infinity), last: Number(last?.dataset.seq ?? 0) };
  }
}

/** The index of the first article that begins below a line. @param {NodeListOf<Element>} articles @param {number} line */
function firstBelow(articles, line) {
  let low = 0;
  let high = articles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (articles[middle].getBoundingClientRect().top < line) low = middle + 1;
    else high = middle;
  }
  return low;
}
