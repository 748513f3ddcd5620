import { html, useEffect, useState } from '../preact.js';
import { t } from '../text.js';
import { Choices, Section } from './section.js';

/** The module that the page loaded first. */
const theme = () => import('../theme.js');

/** How the page looks on this device. */
export function Appearance() {
  const [chosen, setChosen] = useState({});
  useEffect(() => void theme().then(({ appearance }) => setChosen(appearance())), []);
  const change = async (changes) => {
    (await theme()).setAppearance(changes);
    setChosen({ ...chosen, ...changes });
  };
  return html`<${Section} title=${t('appearance.theme')} text=${t('appearance.theme-text')}>
      <${Choices}
        name="theme"
        label=${t('appearance.theme')}
        value=${chosen.theme}
        onChange=${(theme) => change({ theme })}
        options=${['system', 'light', 'dark'].map((value) => ({
          value,
          label: t(`appearance.${value}`),
          icon: html`<${Preview} theme=${value} />`,
        }))}
      />
    <//>
    <${Section} title=${t('appearance.size')} text=${t('appearance.size-text')}>
      <${Choices}
        name="size"
        label=${t('appearance.size')}
        value=${chosen.size}
        onChange=${(size) => change({ size })}
        options=${['small', 'normal', 'large'].map((value) => ({
          value,
          label: t(`appearance.${value}`),
          icon: html`<span class=${`size-preview size-${value}`} aria-hidden="true">${t('appearance.letters')}</span>`,
        }))}
      />
    <//>`;
}

/** The page in a few strokes, in one theme, or in both halves. */
function Preview({ theme }) {
  const half = (each) => html`<span class="theme-half" data-theme=${each}><i></i><b></b><b></b></span>`;
  return html`<span class="theme-preview" aria-hidden="true">
    ${theme === 'system' ? html`${half('light')}${half('dark')}` : half(theme)}
  </span>`;
}
