// wiki/Foot.tsx -- below an article: its categories, what links here, what redirects here.
//
// Comes after the text and stands under it, so nothing moves while it arrives. What the index was
// built without is not mentioned.
import { useEffect, useState } from 'react';

import { getFacts, type Facts, type ListKind } from '../api';
import { plural } from '../format';
import { listHash } from '../route';

interface Props {
  title: string;
  db: string;
}

const known = new Map<string, Facts>(); // of articles that were open; as many as are read in a day

function useFacts(db: string, title: string): Facts | undefined {
  const key = `${db}\n${title}`;
  const [facts, setFacts] = useState(known.get(key));
  useEffect(() => {
    if (known.has(key)) return;
    const control = new AbortController();
    getFacts(db, title, control.signal).then(
      (fresh) => {
        known.set(key, fresh);
        setFacts(fresh);
      },
      () => undefined, // the article stands without them
    );
    return () => control.abort();
  }, [db, title, key]);
  return facts;
}

// "Category:Physics", in whatever language, is shown as "Physics".
const bare = (category: string): string => category.replace(/^[^:]+:/, '');

const LINKS: { kind: ListKind & keyof Facts; label: (n: number) => string }[] = [
  { kind: 'backlinks', label: (n) => `What links here (${plural(n, 'page')})` },
  { kind: 'redirects', label: (n) => plural(n, 'redirect') },
];

export default function Foot({ title, db }: Props) {
  const facts = useFacts(db, title);
  if (!facts) return null;
  const categories = facts.categories ?? [];
  const timestamp = facts.revision?.timestamp;
  const lists = LINKS.filter(({ kind }) => facts[kind]);
  if (!categories.length && !lists.length) return null;
  return (
    <footer className="article-foot">
      {categories.length > 0 && (
        <nav aria-labelledby="categories">
          <h2 id="categories">Categories</h2>
          <ul className="chips">
            {categories.map((category) => (
              <li key={category}>
                <a href={listHash(db, 'categories', bare(category))} dir="auto">
                  {bare(category)}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      )}
      <p>
        {lists.map(({ kind, label }) => (
          <a key={kind} href={listHash(db, kind, title)}>
            {label(Number(facts[kind]))}
          </a>
        ))}
        {timestamp && (
          <span>
            Last changed <time dateTime={timestamp}>{timestamp.slice(0, 10)}</time>
          </span>
        )}
      </p>
    </footer>
  );
}
