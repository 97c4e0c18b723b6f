// wiki/suggest.ts -- what is offered for a text: titles that start with it, and, when they are few,
// titles like it; from one wiki or several.
//
// Invariants:
//   1. A newer text aborts the requests of the older, and an older answer is never shown.
//   2. The list of the older text stays until something of the newer one is there.
//   3. Nothing waits before it asks: the server answers in less time than a keystroke takes.
import { useEffect, useRef, useState } from 'react';

import { explain, isAbort, searchWords, suggest, type Hit, type Hits, type Wiki } from '../api';

const LIMIT = 10; // per wiki
const FEW = 5; // fewer titles than these, and similar ones are looked for
const SIMILAR_MIN = 3; // characters; shorter texts are like everything
const CACHE_MAX = 200;

export interface Row extends Hit {
  wiki: Wiki;
  isSimilar: boolean;
}

export interface Total {
  wiki: Wiki;
  n: number; // titles that start with the text
}

export interface Found {
  query: string;
  rows: Row[];
  totals: Total[];
  ms: number;
  error?: string; // then there are no rows
}

interface Part {
  wiki: Wiki;
  total: number;
  hits: Hit[];
  similar: Hit[];
}

type Ask = (db: string, text: string, limit: number, signal: AbortSignal) => Promise<Hits>;

const cache = new Map<string, Hits>(); // in order of use, the oldest first

// An index that is being built says something else every second.
async function cached(ask: Ask, wiki: Wiki, text: string, signal: AbortSignal): Promise<Hits> {
  if (wiki.building) return ask(wiki.name, text, LIMIT, signal);
  const key = [ask === suggest ? 's' : 'w', wiki.name, wiki.pages, text].join('\n');
  const hits = cache.get(key) ?? (await ask(wiki.name, text, LIMIT, signal));
  cache.delete(key);
  cache.set(key, hits);
  if (cache.size > CACHE_MAX) cache.delete(cache.keys().next().value ?? '');
  return hits;
}

async function startingWith(wiki: Wiki, text: string, signal: AbortSignal): Promise<Part> {
  const { total, results } = await cached(suggest, wiki, text, signal);
  return { wiki, total, hits: results, similar: [] };
}

async function withSimilar(part: Part, text: string, signal: AbortSignal): Promise<Part> {
  if (part.total >= FEW || [...text.trim()].length < SIMILAR_MIN) return part;
  const { results } = await cached(searchWords, part.wiki, text.trim(), signal);
  const have = new Set(part.hits.map((hit) => hit.title));
  return { ...part, similar: results.filter((hit) => !have.has(hit.title)) };
}

// The meanings of one title stand together, where the first of them stands.
function grouped(rows: Row[]): Row[] {
  const keyOf = (row: Row) => (row.group ? `${row.wiki.name}\n${row.group}` : row);
  const groups = new Map<unknown, Row[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return [...groups.values()].flat();
}

// Scores of two wikis cannot be compared: the best of each come first, then the second of each.
function inTurns(parts: Part[], of: (part: Part) => Hit[], isSimilar: boolean): Row[] {
  const rows: Row[] = [];
  const longest = Math.max(0, ...parts.map((part) => of(part).length));
  for (let i = 0; i < longest; i++)
    for (const part of parts) {
      const hit = of(part)[i];
      if (hit) rows.push({ ...hit, wiki: part.wiki, isSimilar });
    }
  return rows;
}

const foundIn = (query: string, parts: Part[], ms: number): Found => ({
  query,
  rows: [
    ...grouped(inTurns(parts, (part) => part.hits, false)),
    ...inTurns(parts, (part) => part.similar, true),
  ],
  totals: parts.map(({ wiki, total }) => ({ wiki, n: total })),
  ms,
});

export function useSuggestions(query: string, wikis: Wiki[], wanted: boolean) {
  const [found, setFound] = useState<Found>();
  const [busy, setBusy] = useState(false);
  const latest = useRef(wikis);
  latest.current = wikis;
  const scope = wikis.map((w) => `${w.name} ${w.building ? '' : w.pages}`).join('\n');

  useEffect(() => {
    if (!wanted || query === '') {
      setBusy(false);
      setFound(undefined);
      return;
    }
    const control = new AbortController();
    const { signal } = control;
    const began = performance.now();
    const show = (parts: Part[]) =>
      signal.aborted || setFound(foundIn(query, parts, performance.now() - began));
    const run = async () => {
      setBusy(true);
      try {
        const parts = await Promise.all(latest.current.map((w) => startingWith(w, query, signal)));
        if (parts.some((part) => part.hits.length)) show(parts);
        const similar = await Promise.all(parts.map((part) => withSimilar(part, query, signal)));
        if (similar.some((part, i) => part !== parts[i]) || !parts.some((p) => p.hits.length))
          show(similar);
      } catch (e) {
        if (isAbort(e) || signal.aborted) return;
        setFound({ query, rows: [], totals: [], ms: 0, error: explain(e) });
      }
      if (!signal.aborted) setBusy(false);
    };
    void run();
    return () => control.abort();
  }, [query, scope, wanted]);
  return { found, busy };
}
