// The part of Markdown that messages have, as tokens. Raw HTML, indented code, underlined headings and definitions of links are text.

import { Lexer, Tokenizer } from '../../vendor/marked.js';

/** Quotes, lists and emphasis within each other, beyond which their marks are text: nothing that people write is deeper. */
const DEEPEST = 8;

/** Marks of emphasis that are looked at: each looks for its end in the rest of the text, so thousands of them take long. */
const MARKS = 150;

class MessageTokenizer extends Tokenizer {
  #depth = 0;
  #marks = 0;

  html() {}
  tag() {}
  def() {}
  code() {}
  lheading() {}

  blockquote(...given) {
    return this.#within(() => super.blockquote(...given));
  }

  list(...given) {
    return this.#within(() => super.list(...given));
  }

  emStrong(source, ...given) {
    return this.#isMark(source) ? this.#within(() => super.emStrong(source, ...given)) : undefined;
  }

  del(source, ...given) {
    return this.#isMark(source) ? this.#within(() => super.del(source, ...given)) : undefined;
  }

  link(...given) {
    return this.#within(() => super.link(...given));
  }

  #isMark(source) {
    if (!'*_~'.includes(source[0])) return false;
    this.#marks += 1;
    return this.#marks <= MARKS;
  }

  #within(read) {
    if (this.#depth >= DEEPEST) return undefined;
    this.#depth += 1;
    try {
      return read();
    } finally {
      this.#depth -= 1;
    }
  }
}

/** The tokens of a message's content. @param {string} content */
export function tokensOf(content) {
  return new Lexer({ gfm: true, breaks: true, tokenizer: new MessageTokenizer() }).lex(content);
}
