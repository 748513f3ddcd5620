import { api } from '../chat.js';
import { person, remember } from '../people.js';
import { html, useEffect, useState } from '../preact.js';
import { t } from '../text.js';
import { Panel } from '../ui/panel.js';
import { Failure, Loading } from '../ui/states.js';
import { PersonFacts } from './facts.js';

/** The panel about a user, `person:3`. @param {{argument: string}} props */
export function PersonPanel({ argument }) {
  const id = Number(argument) || 0;
  const user = person(id).value;
  const [error, setError] = useState(null);
  const load = async () => {
    setError(null);
    try {
      remember([await api.get(`/api/users/${id}`)]);
    } catch (failure) {
      setError(failure);
    }
  };
  useEffect(() => {
    void load();
  }, [id]);
  const isKnown = Boolean(user?.username);
  return html`<${Panel} title=${t('person.title')}>
    <div class="panel-body">
      ${isKnown ? html`<${PersonFacts} key=${id} user=${user} />` : error ? html`<${Failure} error=${error} retry=${load} />` : html`<${Loading} />`}
    </div>
  <//>`;
}
