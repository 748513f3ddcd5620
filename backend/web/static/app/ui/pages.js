import { api } from '../chat.js';
import { useEffect, useRef, useState } from '../preact.js';

const LIMIT = 50;

/**
 * The pages of a list with `skip` and `limit`. Other filters begin again; an answer for older ones is dropped.
 * @param {string} path
 * @param {Record<string, string>} [filters]  an empty one is left out
 * @param {(items: any[]) => void} [onItems]  called with each page
 */
export function usePages(path, filters = {}, onItems = undefined) {
  const [pages, setPages] = useState({ items: [], error: null, isLoading: true, hasMore: false });
  const number = useRef(0);
  const given = Object.entries(filters).filter(([, value]) => value);
  const key = String(new URLSearchParams(given));
  const load = async (before) => {
    number.current += 1;
    const mine = number.current;
    setPages((now) => ({ ...now, error: null, isLoading: true }));
    try {
      const search = new URLSearchParams([...given, ['skip', String(before.length)], ['limit', String(LIMIT)]]);
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
  }, [path, key]);
  return {
    ...pages,
    more: () => load(pages.items),
    retry: () => load(pages.items),
    reload: () => load([]),
    /** Put another item in the place of one, or take it out. */
    replace: (id, item) =>
      setPages((now) => ({ ...now, items: now.items.flatMap((each) => (each.id === id ? (item ?? []) : each)) })),
  };
}
