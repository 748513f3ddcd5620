import { api } from '../chat.js';
import { html, useLayoutEffect, useRef, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { isComposing } from '../ui/composing.js';
import { toastError } from '../ui/toast.js';
import { editing } from './local-state.js';

const LONGEST = 4000;

/**
 * An edit. `base` is the version that is edited: after a conflict, the one that the user was shown.
 * @typedef {{text: string, base: any, isConflict: boolean}} Edit
 */

/** The edits that are not finished, by the id of the message: another conversation may be shown meanwhile. @type {Map<number, Edit>} */
const unfinished = new Map();

/** Where a message is edited, in its place. Enter saves, Escape leaves it as it was. */
export function MessageEditor({ message, place }) {
  const input = useRef(null);
  const [edit, setEdit] = useState(
    () => unfinished.get(message.id) ?? { text: message.content, base: message, isConflict: false },
  );
  const { text, base, isConflict } = edit;
  const [isBusy, setBusy] = useState(false);
  useLayoutEffect(() => {
    const element = input.current;
    element.focus();
    element.setSelectionRange(element.value.length, element.value.length);
    element.closest('article')?.scrollIntoView({ block: 'nearest' });
  }, []);
  useLayoutEffect(() => {
    input.current.style.height = 'auto';
    input.current.style.height = `${input.current.scrollHeight}px`;
  }, [text]);

  /** @param {Partial<Edit>} changes */
  const change = (changes) => {
    const changed = { ...(unfinished.get(message.id) ?? edit), ...changes };
    unfinished.set(message.id, changed);
    setEdit(changed);
  };
  const close = () => {
    unfinished.delete(message.id);
    const article = input.current?.closest('article');
    editing.value = null;
    article?.focus({ preventScroll: true });
  };
  const save = async () => {
    if (isBusy || [...text].length > LONGEST || (!text.trim() && !message.attachments.length)) return;
    if (text === base.content) return close();
    setBusy(true);
    try {
      if (await attempt(base)) close();
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  /** Save, unless the text was changed elsewhere meanwhile. A reaction or a reply changes the number of the version alone. */
  const attempt = async (version) => {
    try {
      await place.conversation.edit(message.id, text, { modseq: version.modseq });
      return true;
    } catch (error) {
      if (error.code !== 'edit_conflict') throw error;
    }
    const current = await api.get(`/api/chat/messages/${message.id}`);
    if (current.content === version.content && !current.deleted_at) return attempt(current);
    // The user may have written more since, or given up.
    if (unfinished.has(message.id)) change({ base: current, isConflict: true });
    return false;
  };
  const onKeyDown = (event) => {
    event.stopPropagation(); // the list of messages has keys of its own
    if (isComposing(event)) return;
    if (event.key === 'Enter' && !event.shiftKey) void save();
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
  };
  return html`<div class="editor">
    ${
      isConflict &&
      html`<div class="editor-conflict" role="alert">
        <p>${t('edit.conflict')}</p>
        <blockquote dir="auto">${base.content || t('message.deleted')}</blockquote>
      </div>`
    }
    <textarea
      ref=${input}
      class="input editor-input"
      dir="auto"
      rows="1"
      maxlength=${LONGEST}
      aria-label=${t('edit.label')}
      value=${text}
      onInput=${({ currentTarget }) => change({ text: currentTarget.value })}
      onKeyDown=${onKeyDown}
    ></textarea>
    <div class="editor-actions">
      <${Button} size="small" kind="primary" isBusy=${isBusy} onClick=${save}>${t(isConflict ? 'edit.overwrite' : 'action.save')}<//>
      <${Button} size="small" kind="quiet" onClick=${close}>${t('action.cancel')}<//>
    </div>
  </div>`;
}
