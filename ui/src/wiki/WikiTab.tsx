// wiki/WikiTab.tsx -- the Wiki tab: search box, then the start page or an article.
import { useCallback, useEffect, useRef, useState } from 'react';
import Alert from 'react-bootstrap/Alert';
import Button from 'react-bootstrap/Button';

import { explain, getRandomTitle, searchTitles, type Wiki } from '../api';
import { plural } from '../format';
import { useKeys } from '../keys';
import { go, settleScroll, wikiHash, type Route } from '../route';
import { useStored } from '../store';
import Article from './Article';
import Search from './Search';

const RECENT_MAX = 8;

interface Props {
  route: Route; // the latest of this tab, also while the other one is in front
  shown: boolean;
  wiki: Wiki;
}

export default function WikiTab({ route, shown, wiki }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [recent, setRecent] = useStored<string[]>(`recent.${wiki.name ?? ''}`, []);
  const [error, setError] = useState<string>();

  useEffect(() => {
    if (!shown) return;
    document.title = route.title ? `${route.title} – Parallelopedia` : 'Parallelopedia';
    if (!route.title) settleScroll(document, '');
  }, [shown, route]);

  const random = async () => {
    try {
      go(wikiHash(await getRandomTitle()));
      setError(undefined);
    } catch (e) {
      setError(explain(e));
    }
  };

  const onOpened = useCallback(
    (title: string) => {
      if (recent[0] === title) return;
      setRecent([title, ...recent.filter((t) => t !== title)].slice(0, RECENT_MAX));
    },
    [recent, setRecent],
  );

  useKeys(shown ? { '/': () => input.current?.focus(), r: () => void random() } : {});

  return (
    <>
      <div className="search-row">
        <Search title={route.title} inputRef={input} />
        <Button
          variant="outline-secondary"
          size="lg"
          aria-label="Random article"
          onClick={() => void random()}
        >
          <DiceIcon />
          <span className="wide-only">Random article</span>
        </Button>
      </div>
      {error && (
        <Alert variant="danger" dismissible onClose={() => setError(undefined)} className="mt-3">
          {error}
        </Alert>
      )}
      {route.title ? (
        <Article route={route} shown={shown} lang={wiki.lang} onOpened={onOpened} />
      ) : (
        <Start wiki={wiki} recent={recent} onRandom={() => void random()} />
      )}
    </>
  );
}

const FRONT = 'Main Page';

// Most wikis in English have a front page; dumps of a few pages often have not.
function useFrontPage(): boolean {
  const [known, setKnown] = useState(false);
  useEffect(() => {
    const control = new AbortController();
    searchTitles(FRONT, 0, 1, control.signal).then(
      ({ hits }) => setKnown(hits[0]?.title === FRONT),
      () => undefined, // then it is not offered
    );
    return () => control.abort();
  }, []);
  return known;
}

interface StartProps {
  wiki: Wiki;
  recent: string[];
  onRandom: () => void;
}

function Start({ wiki, recent, onRandom }: StartProps) {
  const hasFront = useFrontPage();
  return (
    <main className="start">
      <h1>{wiki.name ?? 'Wikipedia'}</h1>
      <p className="lead">
        {wiki.pages === undefined ? 'Every page' : plural(wiki.pages, 'page')}, straight from the
        dump on this machine. Type how a title begins, or let chance pick one.
      </p>
      <p className="start-actions">
        {hasFront && (
          <a className="btn btn-primary" href={wikiHash(FRONT)}>
            Open the main page
          </a>
        )}
        <Button variant={hasFront ? 'outline-secondary' : 'primary'} onClick={onRandom}>
          Random article
        </Button>
      </p>
      {recent.length > 0 && (
        <section aria-labelledby="recent">
          <h2 id="recent">Read lately</h2>
          <ul className="chips">
            {recent.map((title) => (
              <li key={title}>
                <a href={wikiHash(title)}>{title}</a>
              </li>
            ))}
          </ul>
        </section>
      )}
      <dl className="shortcuts">
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>search</dd>
        </div>
        <div>
          <dt>
            <kbd>↑</kbd> <kbd>↓</kbd> <kbd>Enter</kbd>
          </dt>
          <dd>choose a title</dd>
        </div>
        <div>
          <dt>
            <kbd>R</kbd>
          </dt>
          <dd>random article</dd>
        </div>
        <div>
          <dt>
            <kbd>W</kbd> <kbd>G</kbd>
          </dt>
          <dd>Wiki, GPT2</dd>
        </div>
      </dl>
    </main>
  );
}

function DiceIcon() {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <rect x="1.5" y="1.5" width="13" height="13" rx="3" fill="none" />
      <circle cx="5" cy="5" r="1" />
      <circle cx="8" cy="8" r="1" />
      <circle cx="11" cy="11" r="1" />
    </svg>
  );
}
