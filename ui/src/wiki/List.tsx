// wiki/List.tsx -- a list of titles that has an address: what starts with a text, the members of a
// category, what links or redirects to a page. Comes in parts; coming back finds all that were read.
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import Alert from 'react-bootstrap/Alert';
import Button from 'react-bootstrap/Button';

import { explain, getList, isAbort, type Hits, type ListKind, type Wiki } from '../api';
import { count, plural } from '../format';
import { settleScroll, wikiHash, type Route } from '../route';

const PART = 100;

interface Words {
  noun: string;
  heading: (of: string) => string;
  none: string;
  isOfPage?: boolean; // `of` is a page's title
}

const WORDS: Record<ListKind, Words> = {
  titles: {
    noun: 'title',
    heading: (of) => `Titles that start with “${of}”`,
    none: 'No title starts like this.',
  },
  categories: { noun: 'page', heading: (of) => of, none: 'No page is in this category.' },
  backlinks: {
    noun: 'page',
    heading: (of) => `What links to “${of}”`,
    none: 'No page links here.',
    isOfPage: true,
  },
  redirects: {
    noun: 'redirect',
    heading: (of) => `Redirects to “${of}”`,
    none: 'Nothing redirects here.',
    isOfPage: true,
  },
};

const known = new Map<string, Hits>(); // what has been read, per list

interface ListState {
  hits?: Hits;
  error?: string;
  busy: boolean;
  more: () => void;
}

function useList(key: string, db: string, kind: ListKind, of: string): ListState {
  const [hits, setHits] = useState(known.get(key));
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const under = useRef<AbortController>(undefined);

  const more = async () => {
    const before = known.get(key);
    const control = (under.current = new AbortController());
    setBusy(true);
    try {
      const at = before?.results.length ?? 0;
      const part = await getList(db, kind, of, at, PART, control.signal);
      const results = [...(before?.results ?? []), ...part.results];
      // A part without titles is the end, whatever the total says.
      const all = { total: part.results.length ? part.total : results.length, results };
      known.set(key, all);
      setHits(all);
      setError(undefined);
    } catch (e) {
      if (isAbort(e)) return;
      setError(explain(e));
    }
    setBusy(false);
  };

  useEffect(() => {
    if (!known.has(key)) void more();
    return () => under.current?.abort();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` stands for all of them
  }, [key]);
  return { hits, error, busy, more: () => void more() };
}

interface Props {
  route: Route;
  kind: ListKind;
  shown: boolean;
  wiki: Wiki;
  at: string; // of `wiki`, in addresses of pages
}

// A list that grew while the index was being built is read anew.
export default function List(props: Props) {
  const { route, kind, wiki } = props;
  const key = [wiki.name, wiki.building ? 'part' : wiki.pages, kind, route.title].join('\n');
  return <Titles key={key} id={key} {...props} />;
}

function Titles({ id, route, kind, shown, wiki, at }: Props & { id: string }) {
  const words = WORDS[kind];
  const { hits, error, busy, more } = useList(id, wiki.name, kind, route.title);
  const ref = useRef<HTMLUListElement>(null);

  const ready = hits !== undefined || error !== undefined;
  useLayoutEffect(() => {
    if (shown && ready) settleScroll(document, '');
  }, [shown, ready, route]);

  // The keyboard goes on at the first of the titles that came, where the button stood.
  const wanted = useRef(0);
  useLayoutEffect(() => {
    if (!wanted.current || !hits || hits.results.length <= wanted.current) return;
    ref.current?.querySelectorAll('a')[wanted.current]?.focus({ preventScroll: true });
    wanted.current = 0;
  }, [hits]);

  return (
    <main className="list" aria-busy={busy}>
      <header className="article-head">
        <div>
          {kind === 'categories' && <p className="list-kind">Category</p>}
          <h1 dir="auto">{words.heading(route.title)}</h1>
          <p className="article-facts" role="status">
            <span>{hits ? plural(hits.total, words.noun) : 'Reading the index'}</span>
            <span>{wiki.sitename ?? wiki.name}</span>
            {words.isOfPage && <a href={wikiHash(at, route.title)}>Back to the page</a>}
          </p>
        </div>
      </header>
      {error && (
        <Alert variant="danger" className="d-flex align-items-center gap-3">
          <span className="flex-grow-1">{error}</span>
          <Button size="sm" variant="outline-danger" onClick={more}>
            Try again
          </Button>
        </Alert>
      )}
      {hits?.total === 0 && <p>{words.none}</p>}
      <ul ref={ref} className="list-titles" lang={wiki.lang}>
        {hits?.results.map(({ title, redirect_to }, i) => (
          <li key={`${title} ${i}`}>
            <a
              dir="auto"
              href={wikiHash(at, title, { followRedirects: kind !== 'redirects' })}
            >
              {title}
            </a>
            {redirect_to && kind !== 'redirects' && (
              <span className="hit-to"> → {redirect_to}</span>
            )}
          </li>
        ))}
      </ul>
      {hits && hits.results.length < hits.total && (
        <Button
          variant="outline-secondary"
          disabled={busy}
          onClick={() => {
            wanted.current = hits.results.length;
            more();
          }}
        >
          Show more ({count(hits.results.length)} of {count(hits.total)})
        </Button>
      )}
    </main>
  );
}
