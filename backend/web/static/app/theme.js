// Light or dark and how large, as chosen on this device. The page loads this before it is painted, so it imports nothing, and others
// import it only when they need it: else it would wait for them.

const THEME = 'confab theme';
const SIZE = 'confab size';
const GROUNDS = { light: '#f3f4fa', dark: '#0d111b' };

/** @param {string} key @param {string} fallback */
function read(key, fallback) {
  try {
    return localStorage.getItem(key) ?? fallback;
  } catch {
    return fallback; // no storage: the choice holds until the reload
  }
}

/** @param {string} key @param {string} value */
function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {}
}

/** What is chosen: `theme` is `system`, `light` or `dark`; `size` is `small`, `normal` or `large`. */
export function appearance() {
  return { theme: read(THEME, 'system'), size: read(SIZE, 'normal') };
}

/** Change what is given, here and in the other tabs, and keep it on this device. @param {{theme?: string, size?: string}} changes */
export function setAppearance({ theme, size }) {
  if (theme) keep(THEME, theme);
  if (size) keep(SIZE, size);
  apply({ ...appearance(), ...(theme && { theme }), ...(size && { size }) });
}

function apply({ theme, size } = appearance()) {
  const { dataset } = document.documentElement;
  dataset.size = size;
  if (theme === 'system') delete dataset.theme;
  else dataset.theme = theme;
  for (const meta of document.querySelectorAll('meta[name=theme-color]')) {
    meta.content = GROUNDS[theme] ?? GROUNDS[meta.media.includes('dark') ? 'dark' : 'light'];
  }
}

apply();
addEventListener('storage', ({ key }) => {
  if (key === THEME || key === SIZE) apply();
});
