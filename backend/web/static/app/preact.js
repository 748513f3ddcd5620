// What every component of the page uses, from one place.

import htm from '../vendor/htm.js';
import { h } from '../vendor/preact.js';

export { createContext, Fragment, render } from '../vendor/preact.js';
export { useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from '../vendor/preact-hooks.js';
export { batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect } from '../vendor/signals.js';

/** Makes elements of a template: html`<p class="note">${text}</p>`. Text is always text, never markup. */
export const html = htm.bind(h);
