// route.ts -- the address: #/wiki, #/wiki/Title?view=xml#Section, #/gpt2.
//
// The hash is the only truth about which tab and article are shown, so links, back, forward, reload
// and "open in a new tab" work without any code of ours. Scroll positions belong to history
// entries: each entry gets a key in history.state, because content arrives after the navigation
// and the browser's own restoration would come too early.
import { useSyncExternalStore } from 'react';

import type { View } from './api';
import { load, save } from './store';

export interface Route {
  tab: 'wiki' | 'gpt2';
  title: string; // "" is the wiki's start page
  view: View;
  followRedirects: boolean;
  fragment: string;
}

const START: Route = { tab: 'wiki', title: '', view: 'html', followRedirects: true, fragment: '' };

function decode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s; // a stray '%' typed by hand
  }
}

export function parseRoute(hash: string): Route {
  if (/^#\/gpt2(?![^/?#])/.test(hash)) return { ...START, tab: 'gpt2' };
  const parts = /^#\/wiki\/([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(hash);
  if (!parts) return START;
  const query = new URLSearchParams(parts[2] ?? '');
  return {
    tab: 'wiki',
    title: decode(parts[1] ?? '').replaceAll('_', ' '),
    view: query.get('view') === 'xml' ? 'xml' : 'html',
    followRedirects: query.get('redirect') !== 'no',
    fragment: decode(parts[3] ?? ''),
  };
}

export interface WikiHash {
  view?: View;
  followRedirects?: boolean;
  fragment?: string;
}

export function wikiHash(title: string, options: WikiHash = {}): string {
  const query = new URLSearchParams();
  if (options.view === 'xml') query.set('view', 'xml');
  if (options.followRedirects === false) query.set('redirect', 'no');
  const name = encodeURIComponent(title.replaceAll(' ', '_'))
    .replaceAll('%2F', '/')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',');
  const search = query.size ? `?${query}` : '';
  const fragment = options.fragment ? `#${encodeURIComponent(options.fragment)}` : '';
  return `#/wiki/${name}${search}${fragment}`;
}

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
