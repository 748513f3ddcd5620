import { api } from '../chat.js';
import { html } from '../preact.js';
import { withFreshSession } from '../session/fresh.js';
import { HAS_DOCS } from '../session/server.js';
import { formatDate, formatList, formatRelative, t } from '../text.js';
import { Button } from '../ui/button.js';
import { confirm, showDialog } from '../ui/dialog.js';
import { Icon } from '../ui/icon.js';
import { Loaded, useLoad } from '../ui/load.js';
import { Empty } from '../ui/states.js';
import { toast, toastError } from '../ui/toast.js';
import { Section } from './section.js';
import { NewTokenDialog } from './new-token.js';

const TOKENS = '/api/auth/tokens';

/** The API tokens of the account, for scripts and bots. */
export function Tokens() {
  const tokens = useLoad(() => api.all(`${TOKENS}?limit=100`));
  const make = async () => {
    const create = (body) => withFreshSession(() => api.post(TOKENS, body));
    const made = await showDialog((close) => html`<${NewTokenDialog} create=${create} onClose=${close} />`);
    if (made) tokens.set([made, ...tokens.value.filter(({ id }) => id !== made.id)]);
  };
  const revoke = async (token) => {
    const question = {
      title: t('tokens.revoke-title', { name: token.name }),
      text: t('tokens.revoke-text'),
      action: t('tokens.revoke'),
    };
    if (!(await confirm({ ...question, isDanger: true }))) return;
    try {
      await api.delete(`${TOKENS}/${token.id}`);
      tokens.set(tokens.value.filter(({ id }) => id !== token.id));
      toast(t('tokens.revoked'), { kind: 'success' });
    } catch (error) {
      toastError(error);
    }
  };
  const button = html`<${Button} icon="plus" onClick=${make}>${t('tokens.new')}<//>`;
  return html`<${Section} title=${t('tokens.title')} text=${t('tokens.text')}>
    ${HAS_DOCS && html`<p><a href="/docs" target="_blank" rel="noopener">${t('tokens.docs')}</a></p>`}
    <${Loaded} loaded=${tokens}>
      ${(rows) =>
        rows.length
          ? html`<ul class="setting-list">${rows.map((each) => html`<${Token} key=${each.id} token=${each} onRevoke=${() => revoke(each)} />`)}</ul>
              <div class="setting-after">${button}</div>`
          : html`<${Empty} isSmall icon="key" title=${t('tokens.empty.title')} text=${t('tokens.empty.text')}>${button}<//>`}
    <//>
  <//>`;
}

function Token({ token, onRevoke }) {
  const isOver = token.expires_at && new Date(token.expires_at) < new Date();
  const facts = [
    formatList(token.scopes.map((scope) => t(`tokens.scope.${scope}`))),
    token.last_used_at ? t('devices.used', { when: formatRelative(token.last_used_at) }) : t('tokens.unused'),
    token.expires_at
      ? t(isOver ? 'tokens.expired' : 'tokens.expires', { date: formatDate(token.expires_at) })
      : t('tokens.for-ever'),
  ];
  return html`<li class="setting-row">
    <span class="setting-icon"><${Icon} name="key" /></span>
    <div class="setting-row-text">
      <p class="setting-row-name" dir="auto">${token.name}</p>
      <p class="setting-row-facts">${facts.map((fact) => html`<span>${fact}</span>`)}</p>
    </div>
    <${Button} size="small" aria-label=${t('tokens.revoke-title', { name: token.name })} onClick=${onRevoke}>${t('tokens.revoke')}<//>
  </li>`;
}
