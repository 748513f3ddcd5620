/**
 * Whether a key goes to an input method, which takes Enter to confirm a word, Escape to give it up, and arrows to choose another one.
 * Safari ends the composition before the Enter that confirms it: only the key code tells that one (UI Events, section 5.3).
 * @param {KeyboardEvent} event
 */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;
