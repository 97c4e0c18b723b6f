// wiki/Search.tsx -- search as you type: a combobox over the titles that start with the text.
//
// Invariants:
//   1. At most one request is under way; a newer text aborts it.
//   2. Enter never opens a title of a list that belongs to an earlier text: it waits for the new one.
//   3. The box follows the article that is open, unless someone is typing in it.
import { useEffect, useId, useRef, useState, type KeyboardEvent, type RefObject } from 'react';
import Form from 'react-bootstrap/Form';
import Spinner from 'react-bootstrap/Spinner';

import { explain, isAbort, PREFIX_MIN, searchTitles, type Hit } from '../api';
import { bytes, count, plural, time } from '../format';
import { go, wikiHash } from '../route';

const DEBOUNCE_MS = 60;
const PAGE = 50;

interface Found {
  query: string;
  hits: Hit[];
  total: number;
  ms: number;
  error?: string; // then there are no hits
}

interface SearchState {
  found?: Found;
  busy: boolean;
  more: () => void;
}

function useTitles(query: string, wanted: boolean): SearchState {
  const [found, setFound] = useState<Found>();
  const [busy, setBusy] = useState(false);
  const under = useRef<AbortController>(undefined);

  const ask = async (offset: number, before: Hit[]) => {
    under.current?.abort();
    const control = (under.current = new AbortController());
    setBusy(true);
    try {
      const { hits, total, ms } = await searchTitles(query, offset, PAGE, control.signal);
      if (control.signal.aborted) return;
      setFound({ query, hits: [...before, ...hits], total, ms });
    } catch (e) {
      if (isAbort(e) || control.signal.aborted) return;
      setFound({ query, hits: [], total: 0, ms: 0, error: explain(e) });
    }
    setBusy(false);
  };

  useEffect(() => {
    setBusy(false);
    if (!wanted || found?.query === query) return;
    if ([...query].length < PREFIX_MIN) {
      setFound(undefined);
      return;
    }
    const timer = setTimeout(() => void ask(0, []), DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
      under.current?.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `ask` and `found` are this render's
  }, [query, wanted]);

  const more = () => {
    if (found && !busy && found.hits.length < found.total) void ask(found.hits.length, found.hits);
  };
  return { found, busy, more };
}

// The part of a title that the text matched.
function Title({ title, query }: { title: string; query: string }) {
  const head = title.slice(0, query.length);
  if (head.toLowerCase() !== query.toLowerCase()) return <bdi className="hit-title">{title}</bdi>;
  return (
    <bdi className="hit-title">
      <mark>{head}</mark>
      {title.slice(query.length)}
    </bdi>
  );
}

interface Props {
  title: string; // of the open article, "" for none
  inputRef: RefObject<HTMLInputElement>;
}

export default function Search({ title, inputRef }: Props) {
  const [text, setText] = useState(title);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const [entered, setEntered] = useState(false); // Enter was pressed, the list is on its way
  const listRef = useRef<HTMLUListElement>(null);
  const id = useId();
  const query = text.trimStart();
  const { found, busy, more } = useTitles(query, open);
  const hits = found?.hits ?? [];
  const tooShort = [...query].length < PREFIX_MIN;
  const isOpen = open && query !== '';

  useEffect(() => {
    if (document.activeElement !== inputRef.current) setText(title); // 3.
  }, [title, inputRef]);

  useEffect(() => {
    listRef.current
      ?.querySelector('[aria-selected="true"]')
      ?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  const choose = (chosen: string) => {
    setOpen(false);
    setActive(0);
    setEntered(false);
    setText(chosen);
    inputRef.current?.blur();
    go(wikiHash(chosen));
  };

  const isFresh = tooShort || found?.query === query;
  useEffect(() => {
    if (!entered || (open && !isFresh)) return; // 2.
    choose((open ? hits[active]?.title : undefined) ?? query.trim());
  });

  const move = (to: number) => {
    setOpen(true);
    if (to >= hits.length && found && hits.length < found.total) more();
    else if (hits.length) setActive((to + hits.length) % hits.length);
  };

  const keys: Record<string, () => void> = {
    ArrowDown: () => move(open ? active + 1 : 0),
    ArrowUp: () => move(active - 1),
    PageDown: () => move(Math.min(active + 8, hits.length - 1)),
    PageUp: () => move(Math.max(active - 8, 0)),
    Enter: () => setEntered(query.trim() !== ''),
    Escape: () => {
      if (!isOpen) inputRef.current?.blur();
      setOpen(false);
      setActive(0);
    },
  };

  const onKeyDown = (e: KeyboardEvent) => {
    const run = keys[e.key];
    if (!run || e.nativeEvent.isComposing) return;
    e.preventDefault();
    run();
  };

  return (
    <div className="search" role="search">
      <SearchIcon />
      <Form.Control
        ref={inputRef}
        type="search"
        size="lg"
        value={text}
        placeholder="Search titles"
        aria-label="Search Wikipedia titles"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        role="combobox"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && hits.length ? `${id}-${active}` : undefined}
        onChange={(e) => {
          setText(e.target.value);
          setOpen(true);
          setActive(0);
          setEntered(false);
        }}
        onFocus={(e) => e.target.select()}
        onBlur={() => {
          setOpen(false);
          setEntered(false);
        }}
        onKeyDown={onKeyDown}
      />
      <span className="search-end">
        {busy ? <Spinner size="sm" aria-label="Searching" /> : <kbd aria-hidden="true">/</kbd>}
      </span>
      {isOpen && (
        // Pressing a row must not take the focus out of the box before the click arrives.
        <div className="hits" onMouseDown={(e) => e.preventDefault()}>
          {tooShort ? (
            <p className="hits-note">
              Type at least {PREFIX_MIN} characters, or press <kbd>Enter</kbd> to open{' '}
              <b>{query.trim()}</b>.
            </p>
          ) : found?.error ? (
            <p className="hits-note text-danger-emphasis">{found.error}</p>
          ) : found && hits.length === 0 ? (
            <p className="hits-note">
              No title starts with <b>{found.query}</b>.
            </p>
          ) : null}
          <ul
            ref={listRef}
            id={`${id}-list`}
            role="listbox"
            aria-label="Titles"
            onScroll={(e) => {
              const { scrollHeight, scrollTop, clientHeight } = e.currentTarget;
              if (scrollHeight - scrollTop - clientHeight < 200) more();
            }}
          >
            {hits.map((hit, i) => (
              <li
                key={`${hit.title} ${i}`}
                id={`${id}-${i}`}
                role="option"
                aria-selected={i === active}
                onMouseMove={() => setActive(i)}
                onClick={() => choose(hit.title)}
              >
                <Title title={hit.title} query={found?.query ?? ''} />
                <span className="hit-size">{bytes(hit.bytes)}</span>
              </li>
            ))}
          </ul>
          {found && !found.error && (
            <div className="hits-status">
              <span role="status">
                {plural(found.total, 'result')} in {time(found.ms)}
              </span>
              {hits.length < found.total && (
                <button type="button" className="btn btn-link btn-sm" onClick={more}>
                  Show more ({count(hits.length)} of {count(found.total)})
                </button>
              )}
            </div>
          )}
        </div>
      )}
    </div>
  );
}

function SearchIcon() {
  return (
    <svg className="search-icon" viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="6.5" cy="6.5" r="4.5" />
      <path d="m10 10 4.5 4.5" />
    </svg>
  );
}
