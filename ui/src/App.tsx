// App.tsx -- the shell: name, tabs, theme, and what the server has.
//
// All tabs stay mounted: a stream goes on while its reader looks something up, and coming back
// finds everything as it was.
import { useEffect, useRef, useState, type ReactNode } from 'react';
import Alert from 'react-bootstrap/Alert';
import Button from 'react-bootstrap/Button';
import Nav from 'react-bootstrap/Nav';

import { explain, getStats, isAbort, type Stats } from './api';
import Gpt2Tab from './gpt2/Gpt2Tab';
import { useKeys } from './keys';
import LlmTab from './llm/LlmTab';
import { go, parseRoute, useRoute, type Route } from './route';
import { load, save } from './store';
import { THEMES, useTheme, type Theme } from './theme';
import WikiTab from './wiki/WikiTab';

type Tab = Route['tab'];

const TABS: { tab: Tab; label: string; hash: string }[] = [
  { tab: 'wiki', label: 'Wiki', hash: '#/wiki' },
  { tab: 'gpt2', label: 'GPT2', hash: '#/gpt2' },
  { tab: 'llm', label: 'LLM', hash: '#/llm' },
];

function isServed<T extends { available?: boolean }>(app: T | undefined): app is T {
  return app !== undefined && app.available !== false;
}

interface Place {
  hash: string;
  y: number;
}

type Places = Partial<Record<Tab, Place>>;

const loadPlaces = (): Places => load('places', {}, 'sessionStorage');
const lastWikiRoute = (): Route => parseRoute(loadPlaces().wiki?.hash ?? '#/wiki');

// Where each tab was left, so that its tab leads back there.
function usePlaces(tab: Tab): (tab: Tab) => void {
  const places = useRef<Places>(loadPlaces());
  useEffect(() => {
    const note = () => {
      places.current[tab] = { hash: location.hash, y: scrollY };
    };
    const keep = () => {
      note();
      save('places', places.current, 'sessionStorage');
    };
    const noted = () => parseRoute(location.hash).tab === tab && note();
    noted();
    addEventListener('scroll', noted, { passive: true });
    addEventListener('hashchange', noted);
    addEventListener('pagehide', keep);
    return () => {
      removeEventListener('scroll', noted);
      removeEventListener('hashchange', noted);
      removeEventListener('pagehide', keep);
    };
  }, [tab]);
  return (to) => {
    if (to === tab) return;
    const place = places.current[to];
    const home = TABS.find((t) => t.tab === to)?.hash ?? '#/wiki';
    go(place?.hash ?? home, place?.y);
  };
}

function useStats(): { stats?: Stats; error?: string; retry: () => void } {
  const [stats, setStats] = useState<Stats>();
  const [error, setError] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const control = new AbortController();
    getStats(control.signal).then(
      (s) => {
        setStats(s);
        setError(undefined);
      },
      (e: unknown) => isAbort(e) || setError(explain(e)),
    );
    return () => control.abort();
  }, [attempt]);
  return { stats, error, retry: () => setAttempt((n) => n + 1) };
}

export default function App() {
  const route = useRoute();
  const { stats, error, retry } = useStats();
  const [theme, setTheme] = useTheme();
  const switchTo = usePlaces(route.tab);
  const wikiRoute = useRef<Route>(lastWikiRoute());
  if (route.tab === 'wiki') wikiRoute.current = route;

  useKeys({ w: () => switchTo('wiki'), g: () => switchTo('gpt2'), l: () => switchTo('llm') });

  const apps = stats?.apps;
  return (
    <div className="shell">
      <header className="top">
        <a className="name" href="#/wiki">
          <img src="/favicon.svg" alt="" width="26" height="26" />
          <span>Parallelopedia</span>
        </a>
        <Nav variant="underline" as="nav" aria-label="Tabs" activeKey={route.tab}>
          {TABS.map(({ tab, label, hash }) => (
            <Nav.Link
              key={tab}
              eventKey={tab}
              href={hash}
              aria-keyshortcuts={label[0]}
              aria-current={route.tab === tab ? 'page' : undefined}
              className={apps && !isServed(apps[tab]) ? 'is-absent' : undefined}
              onClick={(e) => {
                if (e.ctrlKey || e.metaKey || e.shiftKey) return;
                e.preventDefault();
                switchTo(tab);
              }}
            >
              <u>{label[0]}</u>
              {label.slice(1)}
            </Nav.Link>
          ))}
        </Nav>
        <ThemeButton theme={theme} onChange={setTheme} />
      </header>
      {error && (
        <Alert variant="danger" className="d-flex align-items-center gap-3">
          <span className="flex-grow-1">{error}</span>
          <Button size="sm" variant="outline-danger" onClick={retry}>
            Try again
          </Button>
        </Alert>
      )}
      <Panel shown={route.tab === 'wiki'}>
        {apps &&
          (isServed(apps.wiki) ? (
            <WikiTab route={wikiRoute.current} shown={route.tab === 'wiki'} />
          ) : (
            <Absent tab="wiki" isBroken={apps.wiki !== undefined} />
          ))}
      </Panel>
      <Panel shown={route.tab === 'gpt2'}>
        {apps &&
          (isServed(apps.gpt2) ? (
            <Gpt2Tab shown={route.tab === 'gpt2'} models={apps.gpt2.models ?? []} />
          ) : (
            <Absent tab="gpt2" isBroken={apps.gpt2 !== undefined} />
          ))}
      </Panel>
      <Panel shown={route.tab === 'llm'}>
        {apps &&
          (isServed(apps.llm) ? (
            <LlmTab shown={route.tab === 'llm'} />
          ) : (
            <Absent tab="llm" isBroken={apps.llm !== undefined} />
          ))}
      </Panel>
    </div>
  );
}

function Panel({ shown, children }: { shown: boolean; children: ReactNode }) {
  return <div hidden={!shown}>{children}</div>;
}

const ABSENT: Record<Tab, { what: string; commands: string[] }> = {
  wiki: {
    what: 'No Wikipedia dump is being served',
    commands: ['index DUMP.xml.bz2', 'serve --wiki DUMP.xml.bz2'],
  },
  gpt2: { what: 'No GPT-2 model is loaded', commands: ['serve --gpt2 CHECKPOINT.pt'] },
  llm: {
    what: 'No language model is served',
    commands: ['serve --model FOLDER', 'serve --model FILE.gguf'],
  },
};

function Absent({ tab, isBroken }: { tab: Tab; isBroken: boolean }) {
  const { what, commands } = ABSENT[tab];
  return (
    <main className="start">
      <h1>{what}</h1>
      {isBroken && (
        <Alert variant="danger">
          One was asked for, but it could not be opened. The server's log says why.
        </Alert>
      )}
      <p className="lead">Start the server with one, then load this page again:</p>
      <pre className="command">{commands.map((c) => `parallelopedia ${c}`).join('\n')}</pre>
    </main>
  );
}

const THEME_ICONS: Record<Theme, ReactNode> = {
  auto: (
    <>
      <circle cx="8" cy="8" r="6.2" fill="none" />
      <path d="M8 1.8a6.2 6.2 0 0 0 0 12.4z" />
    </>
  ),
  light: (
    <>
      <circle cx="8" cy="8" r="3.2" />
      <path
        strokeLinecap="round"
        d="M8 .9v1.6m0 11v1.6M.9 8h1.6m11 0h1.6M3 3l1.1 1.1m7.8 7.8L13 13M13 3l-1.1 1.1M4.1 11.9 3 13"
      />
    </>
  ),
  dark: <path d="M13.6 9.9A6.1 6.1 0 0 1 6.1 2.4a6.1 6.1 0 1 0 7.5 7.5z" />,
};

function ThemeButton({ theme, onChange }: { theme: Theme; onChange: (theme: Theme) => void }) {
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  const label = `Theme: ${theme}. Change to ${next}`;
  return (
    <Button
      variant="link"
      className="theme"
      aria-label={label}
      title={label}
      onClick={() => onChange(next)}
    >
      <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
        {THEME_ICONS[theme]}
      </svg>
    </Button>
  );
}
