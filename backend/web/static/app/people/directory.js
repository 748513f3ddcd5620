import { nameOf, presenceOf, remember } from '../people.js';
import { html, useState } from '../preact.js';
import { conversationHref, href } from '../router.js';
import { t } from '../text.js';
import { Avatar } from '../ui/avatar.js';
import { Button, IconButton } from '../ui/button.js';
import { usePages } from '../ui/pages.js';
import { SearchField } from '../ui/search-field.js';
import { Empty, Failure, Loading } from '../ui/states.js';
import { directId } from './direct.js';

/** Everybody, to find and to write to. */
export function PeoplePage() {
  const [query, setQuery] = useState('');
  const { items, error, isLoading, hasMore, more, retry } = usePages('/api/users', { q: query }, remember);
  return html`<div class="page">
    <header class="pane-header">
      <${IconButton} icon="back" class="pane-back" label=${t('action.back')} href=${href([])} />
      <div class="pane-heading"><h2 class="pane-title">${t('people.title')}</h2></div>
    </header>
    <div class="page-content">
      <${SearchField} label=${t('people.find')} onSearch=${setQuery} />
      ${error && html`<${Failure} error=${error} retry=${retry} />`}
      ${items.length > 0 && html`<ul class="list" aria-label=${t('people.title')}>${items.map((user) => html`<${Person} key=${user.id} user=${user} />`)}</ul>`}
      ${isLoading && html`<${Loading} />`}
      ${!items.length && !isLoading && !error && html`<${Empty} isSmall icon="people" title=${t('people.none-found.title')} text=${t('people.none-found.text')} />`}
      ${hasMore && !isLoading && html`<${Button} class="list-more" onClick=${more}>${t('action.show-more')}<//>`}
    </div>
  </div>`;
}

function Person({ user }) {
  return html`<li class="list-row">
    <${Avatar} user=${user} hasPresence />
    <div class="list-text">
      <h3 class="list-title">
        <a class="list-link" dir="auto" href=${href(['people'], { panel: `person:${user.id}` })}>${nameOf(user)}</a>
      </h3>
      <p class="list-facts"><span dir="auto">@${user.username}</span> · ${presenceOf(user)}</p>
    </div>
    <${IconButton}
      icon="message"
      label=${t('person.message.label', { name: nameOf(user) })}
      href=${conversationHref(directId(user.id))}
    />
  </li>`;
}
