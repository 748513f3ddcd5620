import { api } from '../chat.js';
import { useEffect, useRef, useState } from '../preact.js';

const LIMIT = 50;

/**
 * The pages of a list with `q`, `skip` and `limit`. A new query begins again; an answer to an older one is dropped.
 * @param {string} path
 * @param {string} query
 * @param {(items: any[]) => void} [onItems]  called with each page
 */
export function usePages(path, query, onItems) {
  const [pages, setPages] = useState({ items: [], error: null, isLoading: true, hasMore: false });
  const number = useRef(0);
  const load = async (before) => {
    number.current += 1;
    const mine = number.current;
    setPages((now) => ({ ...now, error: null, isLoading: true }));
    try {
      const search = new URLSearchParams({ skip: String(before.length), limit: String(LIMIT), ...(query && { q: query }) });
      const page = await api.get(`${path}?${search}`);
      if (number.current !== mine) return;
      onItems?.(page);
      setPages({ items: [...before, ...page], error: null, isLoading: false, hasMore: page.length === LIMIT });
    } catch (error) {
      if (number.current === mine) setPages({ items: before, error, isLoading: false, hasMore: false });
    }
  };
  useEffect(() => {
    void load([]);
    return () => {
      number.current += 1;
    };
  }, [path, query]);
  return { ...pages, more: () => load(pages.items), retry: () => load(pages.items) };
}
