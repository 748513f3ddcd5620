// The form of a page: it sends one request at a time, and shows the result. All text is shown as text, never as HTML.

/**
 * Call *send* with the fields of the form in *panel* when it is submitted. *send* returns `{heading, text}`, which replaces the
 * form, or null, which leaves the form as it is. If it throws a Failure, that is shown.
 */
export function connect(panel, send) {
  const form = panel.querySelector('form');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.hasAttribute('aria-busy')) return;
    form.setAttribute('aria-busy', 'true');
    clearFailure(panel);
    try {
      const result = await send(Object.fromEntries(new FormData(form)), form);
      if (result) showResult(panel, result);
    } catch (failure) {
      showFailure(panel, failure);
    } finally {
      form.removeAttribute('aria-busy');
    }
  });
}

function showResult(panel, { heading, text }) {
  panel.querySelector('form').remove();
  panel.querySelector('.lead').remove();
  panel.querySelector('.result').textContent = text;
  setHeading(panel, heading);
}

/** Name the page *text*, and move the focus to its heading, so that a screen reader reads it. */
export function setHeading(panel, text) {
  const heading = panel.querySelector('h1');
  heading.textContent = text;
  document.title = `${text} - Confab`;
  heading.focus();
}

/** Show the sentence of *failure* above the form, and its messages below their fields. Focus the first field at fault. */
function showFailure(panel, failure) {
  const form = panel.querySelector('form');
  const others = [];
  for (const [name, messages] of Object.entries(failure.errors)) {
    const input = form.elements.namedItem(name);
    if (input instanceof HTMLInputElement) addNote(input, messages.join(' '));
    else others.push(...messages);
  }
  const error = panel.querySelector('.error');
  error.textContent = [failure.message, ...others].join(' ');
  error.hidden = false;
  (form.querySelector('[aria-invalid]') ?? error).focus();
}

function addNote(input, text) {
  const note = document.createElement('span');
  note.className = 'note';
  note.id = `${input.id}-note`; // aria-describedby of the field names it
  note.textContent = text;
  input.closest('.field').append(note);
  input.setAttribute('aria-invalid', 'true');
}

function clearFailure(panel) {
  panel.querySelector('.error').hidden = true;
  for (const note of panel.querySelectorAll('.note')) note.remove();
  for (const input of panel.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
}
