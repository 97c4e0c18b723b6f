// route.ts -- the address:
//
//   #/wiki  #/wiki/Title?view=xml#Section      the first wiki's start page, a page of it
//   #/w/NAME  #/w/NAME/Title                   the same of another wiki on this server
//   #/list/NAME/categories/Physics             titles, categories, backlinks, redirects
//   #/gpt2  #/llm
//
// The hash is the only truth about which tab and article are shown, so links, back, forward, reload
// and "open in a new tab" work without any code of ours. Scroll positions belong to history
// entries: each entry gets a key in history.state, because content arrives after the navigation
// and the browser's own restoration would come too early.
import { useSyncExternalStore } from 'react';

import { LISTS, type ListKind, type View } from './api';
import { load, save } from './store';

export interface Route {
  tab: 'wiki' | 'gpt2' | 'llm';
  at: string; // "" is the first wiki, else the name of one
  title: string; // "" is the wiki's start page; of a list, what it is a list of
  list?: ListKind;
  view: View;
  followRedirects: boolean;
  fragment: string;
}

const START: Route = {
  tab: 'wiki',
  at: '',
  title: '',
  view: 'html',
  followRedirects: true,
  fragment: '',
};

function decode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s; // a stray '%' typed by hand
  }
}

export function parseRoute(hash: string): Route {
  const model = /^#\/(gpt2|llm)(?![^/?#])/.exec(hash)?.[1];
  if (model) return { ...START, tab: model as Route['tab'] };
  const parts = /^#\/(wiki|w\/([^/?#]+))(?:\/([^?#]*))?(?:\?([^#]*))?(?:#(.*))?$/s.exec(hash);
  if (!parts) return parseList(hash) ?? START;
  const query = new URLSearchParams(parts[4] ?? '');
  return {
    tab: 'wiki',
    at: decode(parts[2] ?? ''),
    title: decode(parts[3] ?? '').replaceAll('_', ' '),
    view: query.get('view') === 'xml' ? 'xml' : 'html',
    followRedirects: query.get('redirect') !== 'no',
    fragment: decode(parts[5] ?? ''),
  };
}

// Not "_" for " " here: what was typed is searched for as it was typed.
function parseList(hash: string): Route | undefined {
  const parts = /^#\/list\/([^/?#]+)\/(\w+)\/([^?#]+)$/s.exec(hash);
  const list = LISTS.find((kind) => kind === parts?.[2]);
  if (!parts || !list) return undefined;
  return { ...START, at: decode(parts[1] ?? ''), title: decode(parts[3] ?? ''), list };
}

export const listHash = (db: string, kind: ListKind, of: string): string =>
  `#/list/${encodeURIComponent(db)}/${kind}/${encodeURIComponent(of)}`;

export interface WikiHash {
  view?: View;
  followRedirects?: boolean;
  fragment?: string;
}

const homeOf = (at: string): string => (at ? `#/w/${encodeURIComponent(at)}` : '#/wiki');

const pathOf = (title: string): string =>
  encodeURIComponent(title.replaceAll(' ', '_'))
    .replaceAll('%2F', '/')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',');

// Without a title: the start page.
export function wikiHash(at: string, title: string, options: WikiHash = {}): string {
  if (!title) return homeOf(at);
  const query = new URLSearchParams();
  if (options.view === 'xml') query.set('view', 'xml');
  if (options.followRedirects === false) query.set('redirect', 'no');
  const search = query.size ? `?${query}` : '';
  const fragment = options.fragment ? `#${encodeURIComponent(options.fragment)}` : '';
  return `${homeOf(at)}/${pathOf(title)}${search}${fragment}`;
}

// The page of its own that the server makes of an article: to print, or without a script.
export const readHref = (db: string, title: string): string =>
  `/w/${encodeURIComponent(db)}/read/${pathOf(title)}`;

function subscribe(changed: () => void): () => void {
  addEventListener('hashchange', changed);
  return () => removeEventListener('hashchange', changed);
}

const currentHash = (): string => location.hash;

let parsed: { hash: string; route: Route } | undefined;

// The same hash gives the same object, so routes can be compared and put into dependencies.
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, currentHash);
  if (parsed?.hash !== hash) parsed = { hash, route: parseRoute(hash) };
  return parsed.route;
}

// `y`: where to scroll to instead of the top, for coming back to a tab.
export function go(hash: string, y?: number): void {
  wantedY = y;
  location.hash = hash;
}

// --- Scroll -----------------------------------------------------------------------------------

const positions = new Map<string, number>(load<[string, number][]>('scroll', [], 'sessionStorage'));
const POSITIONS_MAX = 200;
let wantedY: number | undefined;
let settled = false; // while content is on its way, the position is not the reader's choice

function entryKey(): string {
  const state = history.state as { key?: string } | null;
  if (state?.key) return state.key;
  const key = Math.random().toString(36).slice(2);
  history.replaceState({ key }, '');
  return key;
}

export function watchScroll(): void {
  history.scrollRestoration = 'manual';
  addEventListener('hashchange', () => (settled = false));
  addEventListener('popstate', () => (settled = false));
  addEventListener(
    'scroll',
    () => {
      if (settled) positions.set(entryKey(), Math.round(scrollY));
    },
    { passive: true },
  );
  addEventListener('pagehide', () =>
    save('scroll', [...positions].slice(-POSITIONS_MAX), 'sessionStorage'),
  );
}

// Called when the content of the current entry stands: where the reader was, else the fragment,
// else the top.
export function settleScroll(root: ParentNode, fragment: string): void {
  const y = positions.get(entryKey()) ?? wantedY;
  wantedY = undefined;
  const target = fragment ? root.querySelector(`[id="${CSS.escape(fragment)}"]`) : null;
  root.querySelector('.is-target')?.classList.remove('is-target');
  target?.classList.add('is-target');
  if (y !== undefined) scrollTo(0, y);
  else if (target) target.scrollIntoView();
  else scrollTo(0, 0);
  settled = true;
}
