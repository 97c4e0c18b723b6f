// wiki/Search.tsx -- search as you type: a combobox over the titles that start with the text.
//
// Invariants:
//   1. Enter never opens a row of a list that belongs to an earlier text: it waits for the new one.
//   2. The box follows the article that is open, unless someone is typing in it.
//   3. What the mouse can do the keyboard can, with the same rows: "show all" is one of them.
import { useEffect, useId, useRef, useState, type KeyboardEvent, type RefObject } from 'react';
import Form from 'react-bootstrap/Form';
import Spinner from 'react-bootstrap/Spinner';

import type { Wiki } from '../api';
import { count, plural, time } from '../format';
import { go, listHash, wikiHash } from '../route';
import { useSuggestions, type Found, type Row } from './suggest';
import { atOf, labelOf } from './wikis';

const SPINNER_MS = 250; // what takes less is not worth a sign of waiting
const SCREENFUL = 8; // rows

// The part of a title that the text matched.
function Title({ title, query }: { title: string; query: string }) {
  const head = title.slice(0, query.length);
  if (!head || head.toLowerCase() !== query.toLowerCase()) return <bdi>{title}</bdi>;
  return (
    <bdi>
      <mark>{head}</mark>
      {title.slice(query.length)}
    </bdi>
  );
}

// What can be chosen: a title, or all that start with the text.
interface Choice {
  key: string;
  hash: string;
  text: string; // what the box says afterwards
  row?: Row;
  all?: { wiki: Wiki; n: number };
}

function choicesOf(found: Found | undefined, wikis: Wiki[]): Choice[] {
  if (!found) return [];
  const titles = found.rows.map((row, i) => ({
    key: `${row.wiki.name} ${row.title} ${i}`,
    hash: wikiHash(atOf(row.wiki, wikis), row.title),
    text: row.title,
    row,
  }));
  const all = found.totals
    .filter(({ wiki, n }) => n > found.rows.filter((r) => r.wiki === wiki && !r.isSimilar).length)
    .map(({ wiki, n }) => ({
      key: `all ${wiki.name}`,
      hash: listHash(wiki.name, 'titles', found.query),
      text: found.query,
      all: { wiki, n },
    }));
  return [...titles, ...all];
}

interface Props {
  title: string; // of the open article, "" for none
  at: string; // its wiki, for a title that no list has
  wikis: Wiki[]; // of this server
  among: Wiki[]; // those to search
  inputRef: RefObject<HTMLInputElement>;
}

export default function Search({ title, at, wikis, among, inputRef }: Props) {
  const [text, setText] = useState(title);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const [moved, setMoved] = useState(false); // into the list: Home and End are its own then
  const [entered, setEntered] = useState(false); // Enter was pressed, the list is on its way
  const listRef = useRef<HTMLUListElement>(null);
  const id = useId();
  const query = text.trimStart();
  const { found, busy } = useSuggestions(query, among, open);
  const choices = choicesOf(found, wikis);
  const isOpen = open && query !== '' && found !== undefined;
  const slow = useSlow(busy);

  useEffect(() => {
    if (document.activeElement !== inputRef.current) setText(title); // 2.
  }, [title, inputRef]);

  useEffect(() => {
    listRef.current
      ?.querySelector('[aria-selected="true"]')
      ?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  const reset = (isOpening: boolean) => {
    setOpen(isOpening);
    setActive(0);
    setMoved(false);
    setEntered(false);
  };

  const choose = (hash: string, said: string) => {
    reset(false);
    setText(said);
    inputRef.current?.blur();
    go(hash);
  };

  useEffect(() => {
    if (!entered || (open && (found?.query !== query || (busy && !choices.length)))) return; // 1.
    const choice = open ? choices[active] : undefined;
    if (choice) choose(choice.hash, choice.text);
    else choose(wikiHash(at, query.trim()), query.trim());
  });

  const move = (to: number) => {
    setOpen(true);
    setMoved(true);
    if (choices.length) setActive((to + choices.length) % choices.length);
  };

  const keys: Record<string, (() => void) | false> = {
    ArrowDown: () => move(isOpen ? active + 1 : 0),
    ArrowUp: () => move(isOpen ? active - 1 : -1),
    PageDown: () => move(Math.min(active + SCREENFUL, choices.length - 1)),
    PageUp: () => move(Math.max(active - SCREENFUL, 0)),
    Home: isOpen && moved && (() => move(0)),
    End: isOpen && moved && (() => move(-1)),
    Enter: () => setEntered(query.trim() !== ''),
    Escape: () => {
      if (!isOpen) inputRef.current?.blur();
      reset(false);
    },
  };

  const onKeyDown = (e: KeyboardEvent) => {
    const run = keys[e.key];
    if (!run || e.nativeEvent.isComposing || e.ctrlKey || e.metaKey || e.altKey) return;
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
        enterKeyHint="go"
        role="combobox"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && choices.length ? `${id}-${active}` : undefined}
        onChange={(e) => {
          setText(e.target.value);
          reset(true);
        }}
        onFocus={(e) => e.target.select()}
        onBlur={() => reset(false)}
        onKeyDown={onKeyDown}
      />
      <span className="search-end">
        {slow ? <Spinner size="sm" aria-label="Searching" /> : <kbd aria-hidden="true">/</kbd>}
      </span>
      {isOpen && (
        // Pressing a row must not take the focus out of the box before the click arrives.
        <div className="hits" onMouseDown={(e) => e.preventDefault()}>
          <Note found={found} />
          <ul ref={listRef} id={`${id}-list`} role="listbox" aria-label="Titles">
            {choices.map((choice, i) => (
              <li
                key={choice.key}
                id={`${id}-${i}`}
                role="option"
                aria-selected={i === active}
                className={classOf(choice, choices[i - 1])}
                onMouseMove={() => setActive(i)}
                onClick={() => choose(choice.hash, choice.text)}
              >
                {choice.row && (
                  <Suggestion row={choice.row} query={found.query} several={among.length > 1} />
                )}
                {choice.all && (
                  <span>
                    Show all {count(choice.all.n)} titles that start with <b>{found.query}</b>
                    {among.length > 1 && ` in ${choice.all.wiki.name}`}
                  </span>
                )}
              </li>
            ))}
          </ul>
          <Status found={found} />
        </div>
      )}
    </div>
  );
}

// True when something has lasted so long that people would wonder.
function useSlow(busy: boolean): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!busy) return setSlow(false);
    const timer = setTimeout(() => setSlow(true), SPINNER_MS);
    return () => clearTimeout(timer);
  }, [busy]);
  return slow;
}

function classOf({ row, all }: Choice, before: Choice | undefined): string | undefined {
  if (all) return 'is-all';
  if (row?.isSimilar) return before?.row?.isSimilar ? undefined : 'is-first-similar';
  const isMeaning = row?.group && row.group === before?.row?.group && row.wiki === before.row.wiki;
  return isMeaning ? 'is-meaning' : undefined;
}

function Suggestion({ row, query, several }: { row: Row; query: string; several: boolean }) {
  return (
    <>
      <span className="hit-title" lang={row.wiki.lang}>
        <Title title={row.title} query={row.isSimilar ? '' : query} />
        {row.redirect_to && (
          <span className="hit-to">
            {' → '}
            <bdi>{row.redirect_to}</bdi>
          </span>
        )}
      </span>
      {row.disambiguation && <span className="hit-tag">several meanings</span>}
      {row.isSimilar && <span className="hit-tag">similar</span>}
      {several && <span className="hit-wiki">{row.wiki.name}</span>}
    </>
  );
}

function Note({ found }: { found: Found }) {
  if (found.error) return <p className="hits-note text-danger-emphasis">{found.error}</p>;
  if (found.rows.some((row) => !row.isSimilar)) return null;
  return (
    <p className="hits-note">
      No title starts with <b>{found.query}</b>
      {found.rows.length ? '. These are similar:' : ', and none is like it.'}
    </p>
  );
}

function Status({ found }: { found: Found }) {
  if (found.error) return null;
  const total = found.totals.reduce((sum, { n }) => sum + n, 0);
  const shown = found.rows.filter((row) => !row.isSimilar).length;
  const only = found.totals.length === 1 ? found.totals[0] : undefined;
  return (
    <div className="hits-status">
      <span role="status">
        {shown < total ? `${count(shown)} of ${count(total)} titles` : plural(total, 'title')}
        {' in '}
        {only ? labelOf(only.wiki) : `${found.totals.length} wikis`}
      </span>
      <span className="wide-only">{time(found.ms)}</span>
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
