// wiki/WikiTab.tsx -- the Wiki tab: search box, then the start page, an article or a list.
import { useCallback, useEffect, useRef, useState } from 'react';
import Alert from 'react-bootstrap/Alert';
import Button from 'react-bootstrap/Button';
import Form from 'react-bootstrap/Form';

import { explain, getList, getRandomTitle, type Wiki } from '../api';
import { plural } from '../format';
import { useKeys } from '../keys';
import { go, settleScroll, wikiHash, type Route } from '../route';
import { useStored } from '../store';
import Article from './Article';
import Building from './Building';
import List from './List';
import Search from './Search';
import { atOf, labelOf, useWikis } from './wikis';

const RECENT_MAX = 8;

interface Props {
  route: Route; // the latest of this tab, also while the other one is in front
  shown: boolean;
}

interface Read {
  db: string;
  title: string;
}

export default function WikiTab({ route, shown }: Props) {
  const { wikis, error } = useWikis();
  if (error && !wikis)
    return (
      <Alert variant="danger" className="mt-3">
        {error}
      </Alert>
    );
  return wikis?.[0] ? (
    <Wikis route={route} shown={shown} wikis={wikis} first={wikis[0]} />
  ) : null;
}

const ALL = ''; // of the selector: search them all

function Wikis({ route, shown, wikis, first }: Props & { wikis: Wiki[]; first: Wiki }) {
  const input = useRef<HTMLInputElement>(null);
  const [recent, setRecent] = useStored<Read[]>('read', []);
  const [scope, setScope] = useStored('scope', ALL);
  const [error, setError] = useState<string>();
  const named = wikis.find((w) => w.name === (route.at || first.name));
  const wiki = named ?? first;
  const at = atOf(wiki, wikis);
  const chosen = wikis.find((w) => w.name === scope);

  useEffect(() => {
    if (!shown) return;
    document.title = route.title ? `${route.title} – Parallelopedia` : 'Parallelopedia';
    if (!route.title) settleScroll(document, '');
  }, [shown, route]);

  const random = async () => {
    const of = chosen ?? wiki;
    try {
      go(wikiHash(atOf(of, wikis), await getRandomTitle(of.name)));
      setError(undefined);
    } catch (e) {
      setError(explain(e));
    }
  };

  const onOpened = useCallback(
    (title: string) => {
      const isThis = (read: Read) => read.title === title && read.db === wiki.name;
      if (recent[0] && isThis(recent[0])) return;
      const others = recent.filter((read) => !isThis(read));
      setRecent([{ db: wiki.name, title }, ...others].slice(0, RECENT_MAX));
    },
    [recent, setRecent, wiki.name],
  );

  useKeys(shown ? { '/': () => input.current?.focus(), r: () => void random() } : {});

  return (
    <>
      <div className="search-row">
        {wikis.length > 1 && (
          <Form.Select
            size="lg"
            className="wiki-choice"
            aria-label="Wiki to search"
            value={chosen?.name ?? ALL}
            onChange={(e) => setScope(e.target.value)}
          >
            <option value={ALL}>All wikis</option>
            {wikis.map((w) => (
              <option key={w.name} value={w.name}>
                {labelOf(w)}
              </option>
            ))}
          </Form.Select>
        )}
        <Search
          title={route.list && route.list !== 'titles' ? '' : route.title}
          at={atOf(chosen ?? wiki, wikis)}
          wikis={wikis}
          among={chosen ? [chosen] : wikis}
          inputRef={input}
        />
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
      {!named ? (
        <Unknown name={route.at} />
      ) : route.list ? (
        <List route={route} kind={route.list} shown={shown} wiki={wiki} at={at} />
      ) : route.title ? (
        <Article
          route={route}
          shown={shown}
          wiki={wiki}
          source={wikis.length > 1 ? labelOf(wiki) : undefined}
          onOpened={onOpened}
        />
      ) : (
        <Start
          key={wiki.name}
          wiki={wiki}
          wikis={wikis}
          recent={recent}
          onRandom={() => void random()}
        />
      )}
      <Building wikis={wikis} />
    </>
  );
}

function Unknown({ name }: { name: string }) {
  return (
    <Alert variant="warning" className="mt-4">
      <Alert.Heading as="h1" className="h5">
        There is no wiki “{name}” on this server
      </Alert.Heading>
      <p className="mb-0">
        <a href={wikiHash('', '')}>To the start page</a>
      </p>
    </Alert>
  );
}

const FRONT = 'Main Page';

// Most wikis in English have a front page; dumps of a few pages often have not.
function useFrontPage(db: string): boolean {
  const [known, setKnown] = useState(false);
  useEffect(() => {
    const control = new AbortController();
    getList(db, 'titles', FRONT, 0, 1, control.signal).then(
      ({ results }) => setKnown(results[0]?.title === FRONT),
      () => undefined, // then it is not offered
    );
    return () => control.abort();
  }, [db]);
  return known;
}

interface StartProps {
  wiki: Wiki;
  wikis: Wiki[];
  recent: Read[];
  onRandom: () => void;
}

interface Chip extends Read {
  wiki: Wiki;
}

function Start({ wiki, wikis, recent, onRandom }: StartProps) {
  const hasFront = useFrontPage(wiki.name);
  const chips = recent.flatMap((read): Chip[] => {
    const of = wikis.find((w) => w.name === read.db); // it may not be served today
    return of ? [{ ...read, wiki: of }] : [];
  });
  return (
    <main className="start">
      <h1>{wiki.sitename ?? wiki.name}</h1>
      <p className="lead">
        {plural(wiki.pages, 'page')}
        {wiki.building && ' so far'}, straight from the dump on this machine. Type how a title
        begins, or let chance pick one.
      </p>
      <p className="start-actions">
        {hasFront && (
          <a className="btn btn-primary" href={wikiHash(atOf(wiki, wikis), FRONT)}>
            Open the main page
          </a>
        )}
        <Button variant={hasFront ? 'outline-secondary' : 'primary'} onClick={onRandom}>
          Random article
        </Button>
      </p>
      {wikis.length > 1 && (
        <section aria-labelledby="wikis">
          <h2 id="wikis">On this server</h2>
          <ul className="chips">
            {wikis.map((w) => (
              <li key={w.name}>
                <a href={wikiHash(atOf(w, wikis), '')} aria-current={w === wiki || undefined}>
                  {labelOf(w)} <small>{plural(w.pages, 'page')}</small>
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      {chips.length > 0 && (
        <section aria-labelledby="recent">
          <h2 id="recent">Read lately</h2>
          <ul className="chips">
            {chips.map(({ db, title, wiki: of }) => (
              <li key={`${db} ${title}`}>
                <a href={wikiHash(atOf(of, wikis), title)}>
                  {title} {wikis.length > 1 && <small>{db}</small>}
                </a>
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
