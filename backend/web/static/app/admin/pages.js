import { api } from '../chat.js';
import { html, useEffect, useRef, useState } from '../preact.js';
import { t } from '../text.js';
import { Button } from '../ui/button.js';
import { Failure, Loading } from '../ui/states.js';

const PAGE = 50;

/**
 * A list of the server, page by page: `{rows, error, isLoading, hasMore, more, reload, replace}`; `rows` is null at first.
 * @param {string} path  with its query, but for `skip` and `limit`
 */
export function usePages(path) {
  const [state, setState] = useState({ rows: null, error: null, isLoading: true, hasMore: false });
  const latest = useRef(0);
  const load = async (before) => {
    latest.current += 1;
    const mine = latest.current;
    setState((now) => ({ ...now, isLoading: true, error: null }));
    try {
      const page = await api.get(`${path}${path.includes('?') ? '&' : '?'}skip=${before.length}&limit=${PAGE}`);
      if (mine === latest.current)
        setState({ rows: [...before, ...page], error: null, isLoading: false, hasMore: page.length === PAGE });
    } catch (error) {
      if (mine === latest.current) setState((now) => ({ ...now, error, isLoading: false }));
    }
  };
  useEffect(() => {
    void load([]);
  }, [path]);
  return {
    ...state,
    more: () => load(state.rows),
    reload: () => load([]),
    /** Put another row in the place of one, or take it out. */
    replace: (id, row) =>
      setState((now) => ({ ...now, rows: now.rows.flatMap((each) => (each.id === id ? (row ?? []) : each)) })),
  };
}

/** The rows, or what is said instead of them. @param {{pages: any, empty: any, children: (rows: any[]) => any}} props */
export function Pages({ pages, empty, children }) {
  const { rows, error, isLoading, hasMore, more, reload } = pages;
  if (error) return html`<${Failure} error=${error} retry=${reload} />`;
  if (!rows) return html`<${Loading} />`;
  if (!rows.length) return empty;
  return html`${children(rows)} ${hasMore && html`<div class="empty-actions"><${Button} isBusy=${isLoading} onClick=${more}>${t('admin.more')}<//></div>`}`;
}
