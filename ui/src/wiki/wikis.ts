// wiki/wikis.ts -- which wikis the server has, and how far the index of each has come.
import { useEffect, useState } from 'react';

import { explain, getWikis, INDEX_PROGRESS, isAbort, type Wiki } from '../api';

const POLL_MS = 1000; // while an index is being built, and not otherwise

// Asked once; again while one is being built, and when an answer says that one is.
export function useWikis(): { wikis?: Wiki[]; error?: string } {
  const [wikis, setWikis] = useState<Wiki[]>();
  const [error, setError] = useState<string>();
  useEffect(() => {
    const control = new AbortController();
    let timer: number | undefined;
    const again = () => (timer ??= window.setTimeout(ask, POLL_MS));
    async function ask() {
      timer = undefined;
      try {
        const fresh = await getWikis(control.signal);
        if (control.signal.aborted) return;
        setWikis(fresh);
        setError(undefined);
        if (fresh.some((w) => w.building)) again();
      } catch (e) {
        if (isAbort(e)) return;
        setError(explain(e));
        again();
      }
    }
    void ask();
    addEventListener(INDEX_PROGRESS, again);
    return () => {
      control.abort();
      clearTimeout(timer);
      removeEventListener(INDEX_PROGRESS, again);
    };
  }, []);
  return { wikis, error };
}

// In addresses of pages the first wiki has no name.
export const atOf = (wiki: Wiki, wikis: Wiki[]): string =>
  wiki === wikis[0] ? '' : wiki.name;

// For people: "Wikipedia (enwiki)".
export const labelOf = ({ name, sitename }: Wiki): string =>
  sitename && sitename !== name ? `${sitename} (${name})` : name;
