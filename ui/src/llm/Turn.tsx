// llm/Turn.tsx -- what one side said: text with its Markdown, thoughts, figures, what can be done.
//
// A model's text is untrusted: react-markdown builds elements, never HTML, and leaves links to
// http, https, mailto and this page; pictures are not fetched.
import { memo, useState, type KeyboardEvent } from 'react';
import Button from 'react-bootstrap/Button';
import Form from 'react-bootstrap/Form';
import Markdown, { type Components } from 'react-markdown';
import gfm from 'remark-gfm';

import { plural, rate, time } from '../format';
import { Copy } from '../Copy';
import type { Turn } from './conversation';

const COMPONENTS: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  ),
  img: ({ alt, src }) => <span className="no-picture">[{alt || String(src ?? 'picture')}]</span>,
  table: ({ children }) => (
    <div className="said-table">
      <table>{children}</table>
    </div>
  ),
};

const PLUGINS = [gfm];

// Finished text is not parsed again when another turn grows.
export const Said = memo(function Said({ text }: { text: string }) {
  return (
    <div className="said">
      <Markdown remarkPlugins={PLUGINS} components={COMPONENTS}>
        {text}
      </Markdown>
    </div>
  );
});

const ENDINGS: Record<string, string> = {
  length: 'Reached the longest answer allowed',
  tool_calls: 'Called a function',
};

function stateOf(turn: Turn): string {
  if (turn.is === 'running') {
    if (turn.content) return 'Writing';
    return turn.reasoning ? 'Thinking' : 'Reading';
  }
  if (turn.is === 'stopped') return 'Stopped';
  if (turn.is === 'failed') return 'Broke off';
  return ENDINGS[turn.reason] ?? 'Done';
}

interface Props {
  turn: Turn;
  isLast: boolean;
  onAgain: () => void;
}

export function Answer({ turn, isLast, onAgain }: Props) {
  const running = turn.is === 'running';
  return (
    <article className="turn turn-assistant" aria-label="Answer" aria-busy={running}>
      {turn.reasoning && (
        <details className="thoughts" open={running && !turn.content ? true : undefined}>
          <summary>Thoughts</summary>
          <div className="thoughts-text">{turn.reasoning}</div>
        </details>
      )}
      {turn.content && <Said text={turn.content} />}
      {running && <span className="caret" aria-hidden="true" />}
      {turn.error && (
        <p className="turn-error" role="alert">
          {turn.error}
        </p>
      )}
      <footer className="turn-foot">
        <span className={`state state-${turn.is}`} role="status">
          {stateOf(turn)}
        </span>
        {turn.tokens > 0 && <span>{plural(turn.tokens, 'token')}</span>}
        {turn.perSecond > 0 && (
          <span>
            <b>{rate(turn.perSecond)}</b> tokens/s
          </span>
        )}
        {turn.firstMs !== undefined && <span>first after {time(turn.firstMs)}</span>}
        {turn.model && <span>{turn.model}</span>}
        <span className="turn-acts">
          {!running && turn.content && <Copy text={turn.content} label="Copy" />}
          {!running && isLast && (
            <Button variant="link" size="sm" onClick={onAgain}>
              Regenerate
            </Button>
          )}
        </span>
      </footer>
    </article>
  );
}

export function Question({ turn, onEdit }: { turn: Turn; onEdit: (text: string) => void }) {
  const [draft, setDraft] = useState<string>();
  if (draft === undefined)
    return (
      <article className="turn turn-user" aria-label="You">
        <div className="asked">{turn.content}</div>
        <Button variant="link" size="sm" onClick={() => setDraft(turn.content)}>
          Edit
        </Button>
      </article>
    );
  const send = () => {
    if (!draft.trim()) return;
    onEdit(draft);
    setDraft(undefined);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.nativeEvent.isComposing) return;
    if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      send();
    } else if (e.key === 'Escape') {
      e.stopPropagation();
      setDraft(undefined);
    }
  };
  return (
    <article className="turn turn-user" aria-label="You">
      <Form.Control
        as="textarea"
        aria-label="Edit what you said"
        autoFocus
        rows={Math.min(8, draft.split('\n').length + 1)}
        value={draft}
        onChange={(e) => setDraft(e.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="turn-acts">
        <Button size="sm" onClick={send}>
          Ask this
        </Button>
        <Button variant="link" size="sm" onClick={() => setDraft(undefined)}>
          Cancel
        </Button>
      </div>
    </article>
  );
}
