import { html } from '../preact.js';
import { t } from '../text.js';
import { Icon } from '../ui/icon.js';
import { CodeBlock } from './code-block.js';
import { tokensOf } from './markdown-tokens.js';
import { withMentions } from './mentions.js';

/** Text without any of these is one paragraph of plain text. */
const MARKUP = /[`*_~[\]<>#|@:\\\n+-]|www\.|^\s*\d+[.)]/i;

/** @type {WeakMap<object, any[]>} */
const parsed = new WeakMap();

/**
 * The content of a message as elements.
 * @param {{content: string}} message  the tokens are kept for as long as this object
 * @param {import('./mentions.js').Mentioned} mentioned
 */
export function markdown(message, mentioned) {
  if (!MARKUP.test(message.content)) return html`<p>${message.content}</p>`;
  let tokens = parsed.get(message);
  if (!tokens) {
    tokens = tokensOf(message.content);
    parsed.set(message, tokens);
  }
  return elements(tokens, mentioned);
}

function elements(tokens = [], mentioned) {
  return tokens.map((token) => (Object.hasOwn(kinds, token.type) ? kinds[token.type](token, mentioned) : token.raw));
}

/** What each kind of token becomes. Text is always a child, so nothing in it is markup. */
const kinds = {
  space: () => null,
  paragraph: ({ tokens }, mentioned) => html`<p>${elements(tokens, mentioned)}</p>`,
  text: ({ text, tokens }, mentioned) => (tokens ? elements(tokens, mentioned) : withMentions(text, mentioned)),
  escape: ({ text }) => text,
  br: () => html`<br />`,
  hr: () => html`<hr />`,
  strong: ({ tokens }, mentioned) => html`<strong>${elements(tokens, mentioned)}</strong>`,
  em: ({ tokens }, mentioned) => html`<em>${elements(tokens, mentioned)}</em>`,
  del: ({ tokens }, mentioned) => html`<del>${elements(tokens, mentioned)}</del>`,
  codespan: ({ text }) => html`<code>${text}</code>`,
  code: ({ text, lang }) => html`<${CodeBlock} text=${text} language=${(lang ?? '').split(/\s/)[0]} />`,
  heading: ({ depth, tokens }, mentioned) =>
    html`<p class=${depth < 3 ? 'md-heading' : ''}><strong>${elements(tokens, mentioned)}</strong></p>`,
  blockquote: ({ tokens }, mentioned) => html`<blockquote>${elements(tokens, mentioned)}</blockquote>`,
  list: ({ ordered, start, items }, mentioned) => {
    const Tag = ordered ? 'ol' : 'ul';
    return html`<${Tag} start=${ordered && start !== 1 ? start : undefined}>
      ${items.map(({ task, tokens }) => html`<li class=${task ? 'md-task' : undefined}>${elements(tokens, mentioned)}</li>`)}
    <//>`;
  },
  checkbox: ({ checked }) =>
    html`<span class=${`md-checkbox ${checked ? 'is-checked' : ''}`} role="img" aria-label=${t(checked ? 'markdown.done' : 'markdown.to-do')}>
      ${checked && html`<${Icon} name="check" />`}
    </span>`,
  table: ({ header, rows }, mentioned) => html`<div class="md-table" tabindex="-1">
    <table>
      <thead><tr>${header.map((cell) => html`<th style=${{ textAlign: cell.align ?? 'start' }}>${elements(cell.tokens, mentioned)}</th>`)}</tr></thead>
      <tbody>
        ${rows.map((row) => html`<tr>${row.map((cell) => html`<td style=${{ textAlign: cell.align ?? 'start' }}>${elements(cell.tokens, mentioned)}</td>`)}</tr>`)}
      </tbody>
    </table>
  </div>`,
  link: ({ href, tokens, raw }, mentioned) => link(href, elements(tokens, { ...mentioned, isInLink: true })) ?? raw,
  image: ({ href, text, raw }) => link(href, html`<${Icon} name="image" />${text || href}`) ?? raw,
};

/** A link that leads to the web, to a mail or to another place of the page; null for all others. */
function link(address, children) {
  const target = URL.canParse(address) ? new URL(address) : null;
  if (!target || !['http:', 'https:', 'mailto:'].includes(target.protocol)) return null;
  const isHere = target.origin === location.origin && target.pathname === location.pathname && target.hash;
  if (isHere) return html`<a href=${target.hash} tabindex="-1">${children}</a>`;
  return html`<a href=${target.href} tabindex="-1" target="_blank" rel="noopener noreferrer nofollow">${children}</a>`;
}

const ONLY_EMOJI = /^(?:\s*(?:\p{RGI_Emoji}))+\s*$/v;
const MOST_LARGE = 6;

/** Whether a text is a few emoji and nothing else. @param {string} text */
export function isOnlyEmoji(text) {
  if (text.length > 80 || !ONLY_EMOJI.test(text)) return false;
  return text.match(/\p{RGI_Emoji}/gv).length <= MOST_LARGE;
}
