// wiki/Article.tsx -- one page: fetched, headed, shown as an article or as its XML.
//
// The old article stays (dimmed) until the new one is there: no flash of emptiness between two
// pages that arrive within milliseconds.
import { memo, useEffect, useLayoutEffect, useRef, useState } from 'react';
import Alert from 'react-bootstrap/Alert';
import Button from 'react-bootstrap/Button';
import ButtonGroup from 'react-bootstrap/ButtonGroup';

import { ApiError, explain, getPage, isAbort, type Page, type View, type Wiki } from '../api';
import { bytes, time } from '../format';
import { readHref, settleScroll, wikiHash, type Route, type WikiHash } from '../route';
import Foot from './Foot';
import { prepare, type Heading, type Prepared } from './prepare';
import Xml from './Xml';

interface Loaded extends Page {
  key: string;
  view: View;
  bytes: number;
  prepared?: Prepared; // of view html
}

type State =
  | { is: 'loading'; old?: Loaded }
  | { is: 'ready'; page: Loaded }
  | { is: 'failed'; error: unknown };

const cache = new Map<string, Loaded>(); // in order of use, the oldest first
const CACHE_MAX = 24;

const keyOf = (route: Route): string =>
  [route.at, route.view, route.followRedirects, route.title].join('\n');

// By the title that was asked for: the canonical one would be another route and a second fetch.
const addressOf = (route: Route, options: WikiHash): string =>
  wikiHash(route.at, route.title, { followRedirects: route.followRedirects, ...options });

async function loadPage(route: Route, signal: AbortSignal): Promise<Loaded> {
  const key = keyOf(route);
  const known = cache.get(key);
  const page = known ?? (await fetchPage(key, route, signal));
  cache.delete(key);
  cache.set(key, page);
  if (cache.size > CACHE_MAX) cache.delete(cache.keys().next().value ?? '');
  return page;
}

async function fetchPage(key: string, route: Route, signal: AbortSignal): Promise<Loaded> {
  const page = await getPage(
    route.at,
    route.title,
    route.view,
    route.followRedirects,
    signal,
  );
  const here = (fragment: string) => addressOf(route, { fragment });
  const prepared = route.view === 'html' ? prepare(page.body, here) : undefined;
  return { ...page, key, view: route.view, bytes: new Blob([page.body]).size, prepared };
}

function usePage(route: Route, attempt: number): State {
  const [state, setState] = useState<State>({ is: 'loading' });
  const key = keyOf(route);
  useEffect(() => {
    const control = new AbortController();
    setState((s) => ({ is: 'loading', old: s.is === 'ready' ? s.page : undefined }));
    loadPage(route, control.signal).then(
      (page) => control.signal.aborted || setState({ is: 'ready', page }),
      (error: unknown) => isAbort(error) || setState({ is: 'failed', error }),
    );
    return () => control.abort();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` is what of `route` counts
  }, [key, attempt]);
  return state;
}

interface Props {
  route: Route;
  shown: boolean; // false while the other tab is in front
  wiki: Wiki; // the one that `route` names
  source?: string; // its name for people, where there are several
  onOpened: (title: string) => void;
}

export default function Article({ route, shown, wiki, source, onOpened }: Props) {
  const [attempt, setAttempt] = useState(0);
  const state = usePage(route, attempt);
  const ref = useRef<HTMLElement>(null);
  const page = state.is === 'ready' ? state.page : state.is === 'loading' ? state.old : undefined;
  const arrived = state.is === 'ready' && page?.key === keyOf(route);

  useLayoutEffect(() => {
    if (!shown || !ref.current) return;
    if (arrived || state.is === 'failed') settleScroll(ref.current, route.fragment);
  }, [shown, arrived, state.is, route]);

  useEffect(() => {
    if (state.is !== 'ready') return;
    onOpened(state.page.title);
  }, [state, onOpened]);

  return (
    <main ref={ref} className="article-frame" aria-busy={state.is === 'loading'}>
      {state.is === 'failed' && (
        <Failed route={route} error={state.error} onRetry={() => setAttempt(attempt + 1)} />
      )}
      {state.is === 'loading' && !page && <Skeleton title={route.title} />}
      {page && (
        <article
          lang={wiki.lang}
          dir={page.prepared?.dir}
          className={state.is === 'loading' ? 'is-old' : undefined}
        >
          <Head page={page} route={route} wiki={wiki} source={source} />
          {page.prepared ? (
            <Body prepared={page.prepared} />
          ) : (
            <Xml xml={page.body} />
          )}
          {arrived && <Foot key={page.key} title={page.title} db={wiki.name} />}
        </article>
      )}
    </main>
  );
}

interface HeadProps {
  page: Loaded;
  route: Route;
  wiki: Wiki;
  source?: string;
}

function Head({ page, route, wiki, source }: HeadProps) {
  return (
    <header className="article-head">
      <div>
        <h1 dir="auto">{page.title}</h1>
        <p className="article-facts">
          {source && <span>{source}</span>}
          {page.redirectedFrom && (
            <span>
              Redirected from{' '}
              <a href={wikiHash(route.at, page.redirectedFrom, { followRedirects: false })}>
                {page.redirectedFrom}
              </a>
            </span>
          )}
          <span dir="ltr" title={page.range && `Bytes ${page.range} of the dump`}>
            {bytes(page.bytes)} in {time(page.ms)}
          </span>
        </p>
      </div>
      <div className="article-ways" dir="ltr">
        <ButtonGroup size="sm" aria-label="Show as">
          {(['html', 'xml'] as const).map((view) => (
            <a
              key={view}
              href={addressOf(route, { view })}
              className={`btn btn-outline-secondary ${page.view === view ? 'active' : ''}`}
              aria-current={page.view === view ? 'true' : undefined}
            >
              {view === 'html' ? 'Article' : 'XML'}
            </a>
          ))}
        </ButtonGroup>
        <a className="btn btn-sm btn-outline-secondary" href={readHref(wiki.name, page.title)}>
          Reading view
        </a>
      </div>
    </header>
  );
}

const CONTENTS_MIN = 3; // headings; fewer need no table of contents

const Body = memo(function Body({ prepared }: { prepared: Prepared }) {
  const { html, headings, dir } = prepared;
  return (
    <>
      {headings.length >= CONTENTS_MIN && <Contents headings={headings} />}
      <div
        className="article mw-parser-output"
        dir={dir}
        dangerouslySetInnerHTML={{ __html: html }}
      />
    </>
  );
});

// A sidebar where there is room, else a closed box above the text.
function Contents({ headings }: { headings: Heading[] }) {
  const list = (
    <ul>
      {headings.map((h) => (
        <li key={h.href} className={`toc-${h.level}`}>
          <a href={h.href}>{h.text}</a>
        </li>
      ))}
    </ul>
  );
  return (
    <>
      <nav className="toc toc-side" aria-label="Contents">
        <h2>Contents</h2>
        {list}
      </nav>
      <details className="toc toc-box">
        <summary>Contents</summary>
        {list}
      </details>
    </>
  );
}

function Failed(props: { route: Route; error: unknown; onRetry: () => void }) {
  const { route, error, onRetry } = props;
  const missing = error instanceof ApiError && error.status === 404;
  return (
    <Alert variant={missing ? 'warning' : 'danger'} className="mt-4">
      <Alert.Heading as="h1" className="h5">
        {missing ? `There is no page “${route.title}”` : `“${route.title}” could not be opened`}
      </Alert.Heading>
      {missing ? (
        <p className="mb-0">
          It may be named differently in this dump. Search for how its title begins.
        </p>
      ) : (
        <>
          <p>{explain(error)}</p>
          <Button size="sm" variant="outline-danger" onClick={onRetry}>
            Try again
          </Button>
        </>
      )}
    </Alert>
  );
}

function Skeleton({ title }: { title: string }) {
  return (
    <div className="skeleton" role="status" aria-label={`Loading ${title}`}>
      <i style={{ width: '40%' }} />
      <i />
      <i />
      <i style={{ width: '70%' }} />
    </div>
  );
}
