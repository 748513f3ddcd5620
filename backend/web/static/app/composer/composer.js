import { titleOf } from '../people.js';
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from '../preact.js';
import { t } from '../text.js';
import { IconButton } from '../ui/button.js';
import { isComposing } from '../ui/composing.js';
import { toast, toastError, useUncovered } from '../ui/toast.js';
import { CompletionList } from './completion-list.js';
import { completionsOf, wordAt } from './completion.js';
import { draftFilesOf, draftOf, keepDraft, keepDraftFiles } from './drafts.js';
import { DropZone } from './drop.js';
import { ChosenFiles, filesOf, MOST_FILES } from './files.js';

const LONGEST = 4000;
const COUNTED_FROM = 3600;

/** Keyboards on a screen have no Shift+Enter that a person would find: there Enter makes a line, and the button sends. */
const sendsByEnter = !matchMedia('(hover: none) and (pointer: coarse)').matches;

/**
 * Where a message is written. It works without network: what is sent stays on the device until the server has it.
 * @param {{signals: any, row: any, parentId?: number, onEditLast?: () => boolean}} props
 *   `parentId`: it is a reply in a thread; `onEditLast` edits the user's last message, and returns whether there is one
 */
export function Composer({ signals, row, parentId, onEditLast }) {
  const { conversation, members } = signals;
  const draftId = parentId ? `${row.id}#${parentId}` : row.id;
  const box = useRef(null);
  const input = useRef(null);
  const chooser = useRef(null);
  const listId = useId();
  const [text, setText] = useState(() => draftOf(draftId));
  const [files, setFiles] = useState(() => draftFilesOf(draftId));
  const completion = useCompletion({ row, members, input });
  const length = [...text].length;
  const isSendable = (text.trim() !== '' || files.length > 0) && length <= LONGEST;

  useUncovered(box);
  useLayoutEffect(() => grow(input.current), [text]);
  useEffect(() => {
    // A person who writes on a screen keyboard asks for it by a tap. Who writes elsewhere already goes on there.
    const isWriting = document.querySelector('dialog[open], input:focus, textarea:focus');
    if (sendsByEnter && !isWriting && !parentId) input.current.focus({ preventScroll: true });
  }, []);

  const change = (now) => {
    setText(now);
    keepDraft(draftId, now);
  };
  const changeFiles = (now) => {
    setFiles(now);
    keepDraftFiles(draftId, now);
  };
  /** Put something in place of the selection, as a step that the browser can undo. */
  const insert = (what, start = input.current.selectionStart, end = input.current.selectionEnd) => {
    const element = input.current;
    element.focus();
    element.setSelectionRange(start, end);
    if (!document.execCommand('insertText', false, what)) element.setRangeText(what, start, end, 'end');
    change(element.value);
  };
  const addFiles = (added) => {
    if (!added.length) return;
    const all = [...files, ...added];
    if (all.length > MOST_FILES) void toast(t('composer.too-many-files', { count: MOST_FILES }), { kind: 'error' });
    changeFiles(all.slice(0, MOST_FILES));
    input.current.focus();
  };
  const send = () => {
    if (!isSendable) return;
    try {
      conversation.send({ content: text.trim() ? text : '', parentId, attachments: files });
    } catch (error) {
      return toastError(error);
    }
    conversation.stopTyping();
    change('');
    changeFiles([]);
    completion.close();
    input.current.focus();
  };
  const choose = (index) => {
    const { start, end, options } = completion.take();
    insert(`${options[index].text} `, start, end);
  };
  const onKeyDown = (event) => {
    if (isComposing(event)) return;
    const { key } = event;
    const hasModifier = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    if (completion.isOpen && completion.onKey(key, choose)) event.preventDefault();
    else if (key === 'Enter' && !event.shiftKey && sendsByEnter) {
      event.preventDefault();
      send();
    } else if (key === 'Enter' && (event.ctrlKey || event.metaKey)) send();
    else if (key === 'ArrowUp' && !hasModifier && !text && onEditLast?.()) event.preventDefault();
    else return;
    event.stopPropagation();
  };
  const onInput = ({ currentTarget }) => {
    change(currentTarget.value);
    if (currentTarget.value) conversation.startTyping();
    else conversation.stopTyping();
    completion.look();
  };
  const onPaste = (event) => {
    const pasted = filesOf(event.clipboardData);
    if (!pasted.length) return;
    event.preventDefault();
    addFiles(pasted);
  };
  const pickEmoji = async (event) => {
    const { openEmojiPicker } = await import('./emoji-picker.js');
    const emoji = await openEmojiPicker(event.target.closest('button'));
    if (emoji) insert(emoji);
  };

  const label = parentId ? t('composer.reply') : t('composer.label', { name: titleOf(row) });
  return html`<div ref=${box} class="composer">
    <${DropZone} target=${input} onFiles=${addFiles} />
    ${completion.isOpen && html`<${CompletionList} id=${listId} options=${completion.options} chosen=${completion.chosen} onChoose=${choose} />`}
    <div class="composer-box">
      <${ChosenFiles} files=${files} onRemove=${(index) => changeFiles(files.filter((_, each) => each !== index))} />
      <div class="composer-row">
        <${IconButton} icon="paperclip" label=${t('composer.attach')} onClick=${() => chooser.current.click()} />
        <input
          ref=${chooser}
          type="file"
          multiple
          hidden
          onChange=${({ currentTarget }) => {
            addFiles([...currentTarget.files]);
            currentTarget.value = '';
          }}
        />
        <textarea
          ref=${input}
          class="composer-input"
          rows="1"
          dir="auto"
          value=${text}
          aria-label=${label}
          aria-autocomplete="list"
          aria-controls=${completion.isOpen ? listId : undefined}
          aria-activedescendant=${completion.isOpen ? `${listId}-${completion.chosen}` : undefined}
          placeholder=${label}
          onInput=${onInput}
          onKeyDown=${onKeyDown}
          onPaste=${onPaste}
          onSelect=${() => completion.look()}
          onBlur=${() => completion.close()}
        ></textarea>
        <${IconButton} icon="smile" label=${t('composer.emoji')} onClick=${pickEmoji} />
        <${IconButton} icon="send" class="composer-send" label=${t('action.send')} disabled=${!isSendable} onClick=${send} />
      </div>
    </div>
    ${
      length > COUNTED_FROM &&
      html`<p class=${`composer-count ${length > LONGEST ? 'is-over' : ''}`} role="status">
        ${t(length > LONGEST ? 'composer.too-long' : 'composer.left', { count: Math.abs(LONGEST - length) })}
      </p>`
    }
  </div>`;
}

/** As high as its text, up to the limit of the style sheet. @param {HTMLTextAreaElement} element */
function grow(element) {
  element.style.height = 'auto';
  element.style.height = `${element.scrollHeight}px`;
}

/** The completion of the word at the cursor. */
function useCompletion({ row, members, input }) {
  const [{ options, at }, setFound] = useState({ options: [], at: null });
  const [chosen, setChosen] = useState(0);
  const looking = useRef(null);
  const close = () => {
    looking.current?.abort();
    setFound({ options: [], at: null });
  };
  const look = async (isForced = false) => {
    const { value, selectionStart, selectionEnd } = input.current;
    const word = selectionStart === selectionEnd ? wordAt(value, selectionStart) : null;
    if (!word) return close();
    if (!isForced && word.start === at?.start && word.word === at?.word) return;
    looking.current?.abort();
    const attempt = new AbortController();
    looking.current = attempt;
    const found = await completionsOf(word, { row, members: members.value }, attempt.signal);
    if (attempt.signal.aborted) return;
    setFound({ options: found, at: word });
    setChosen(0);
  };
  // The members may become known while a name is written.
  useEffect(() => {
    if (at?.kind === '@') void look(true);
  }, [members.value.length]);
  return {
    options,
    chosen,
    isOpen: options.length > 0,
    close,
    look,
    /** What is completed; the list closes. */
    take() {
      close();
      return { options, start: at.start, end: at.start + 1 + at.word.length };
    },
    /** Returns whether the key was for the list. */
    onKey(key, choose) {
      if (key === 'Enter' || key === 'Tab') choose(chosen);
      else if (key === 'Escape') close();
      else if (key === 'ArrowDown') setChosen((chosen + 1) % options.length);
      else if (key === 'ArrowUp') setChosen((chosen - 1 + options.length) % options.length);
      else return false;
      return true;
    },
  };
}
