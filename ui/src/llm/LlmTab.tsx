// llm/LlmTab.tsx -- the LLM tab: a conversation with one of the server's models.
import { useEffect, useRef, useState, type FormEvent } from 'react';
import Alert from 'react-bootstrap/Alert';
import Button from 'react-bootstrap/Button';
import Form from 'react-bootstrap/Form';
import InputGroup from 'react-bootstrap/InputGroup';

import { ApiError, explain, getLlmModels, isAbort, setApiKey } from '../api';
import type { ChatSettings, LlmModel } from '../api';
import { useFollow } from '../follow';
import { submitKeys, useKeys } from '../keys';
import { settleScroll } from '../route';
import { useStored } from '../store';
import { useConversation } from './conversation';
import Settings from './Settings';
import { Answer, Question } from './Turn';

const EXAMPLES = [
  'Who was Ada Lovelace?',
  'Explain an event loop to a child',
  'Write a haiku about an encyclopedia',
];

const DEFAULTS: ChatSettings = {
  model: '',
  temperature: '',
  top_p: '',
  top_k: '',
  max_tokens: '',
  seed: '',
};

const REFRESH_MS = 2000; // while a model is being loaded

interface Models {
  models?: LlmModel[];
  error?: string;
  wantsKey: boolean;
  again: () => void;
}

// What the server has; asked again while one is being loaded, and whenever `running` changes.
function useModels(running: boolean): Models {
  const [models, setModels] = useState<LlmModel[]>();
  const [error, setError] = useState<string>();
  const [wantsKey, setWantsKey] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const loading = models?.some((m) => m.state === 'loading');
  useEffect(() => {
    const control = new AbortController();
    let timer = 0;
    getLlmModels(control.signal).then(
      (found) => {
        setModels(found);
        setError(undefined);
        setWantsKey(false);
        if (running || found.some((m) => m.state === 'loading'))
          timer = window.setTimeout(() => setAttempt((n) => n + 1), REFRESH_MS);
      },
      (e: unknown) => {
        if (isAbort(e)) return;
        setWantsKey(e instanceof ApiError && e.status === 401);
        setError(explain(e));
      },
    );
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [attempt, running, loading]);
  return { models, error, wantsKey, again: () => setAttempt((n) => n + 1) };
}

export default function LlmTab({ shown }: { shown: boolean }) {
  const { turns, running, ask, askAgain, stop, clear } = useConversation();
  const { models, error, wantsKey, again } = useModels(running);
  const [stored, setSettings] = useStored<Partial<ChatSettings>>('chatSettings', {});
  const [system, setSystem] = useStored('chatSystem', '');
  const [open, setOpen] = useStored('chatOpen', false);
  const [draft, setDraft] = useState('');
  const box = useRef<HTMLTextAreaElement>(null);
  const isThere = models?.some((m) => m.id === stored.model);
  const model = isThere ? (stored.model ?? '') : (models?.[0]?.id ?? ''); // a remembered one may be gone
  const settings: ChatSettings = { ...DEFAULTS, ...stored, model };
  const last = turns.at(-1);
  useFollow((last?.reasoning ?? '') + (last?.content ?? '') + turns.length, running && shown);

  useEffect(() => {
    if (!shown) return;
    document.title = 'LLM – Parallelopedia';
    settleScroll(document, '');
  }, [shown]);

  useKeys(
    shown ? { '/': () => box.current?.focus(), escape: () => running && stop() } : {},
  );

  const send = (text: string) => {
    if (!text.trim() || running) return;
    setDraft('');
    ask(text, system, settings);
  };

  const onSubmit = (e: FormEvent) => {
    e.preventDefault();
    send(draft);
  };

  const onKeyDown = submitKeys(running ? stop : undefined);

  if (wantsKey) return <KeyForm onKey={again} />;
  const current = models?.find((m) => m.id === model);
  return (
    <main className="llm">
      <h1 className="visually-hidden">LLM</h1>
      {error && (
        <Alert variant="danger" className="d-flex align-items-center gap-3">
          <span className="flex-grow-1">{error}</span>
          <Button size="sm" variant="outline-danger" onClick={again}>
            Try again
          </Button>
        </Alert>
      )}
      {turns.length === 0 && (
        <section className="start llm-start">
          <h2 className="llm-title">Ask {model || 'a model'}</h2>
          <p className="lead">
            It runs on this server; nothing you say leaves it. What it says may be wrong.
          </p>
          <ul className="chips">
            {EXAMPLES.map((text) => (
              <li key={text}>
                <button type="button" onClick={() => send(text)}>
                  {text}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section className="turns" aria-label="Conversation">
        {turns.map((turn, i) =>
          turn.role === 'user' ? (
            <Question
              key={i}
              turn={turn}
              onEdit={(text) => askAgain(system, settings, i, text)}
            />
          ) : (
            <Answer
              key={i}
              turn={turn}
              isLast={i === turns.length - 1}
              onAgain={() => askAgain(system, settings)}
            />
          ),
        )}
      </section>
      <Form onSubmit={onSubmit} className="prompt-form llm-form">
        {current?.state === 'loading' && <Loading model={current} />}
        {open && models && (
          <Settings
            settings={settings}
            system={system}
            models={models}
            onSettings={setSettings}
            onSystem={setSystem}
          />
        )}
        <Form.Label htmlFor="message" className="visually-hidden">
          Message
        </Form.Label>
        <Form.Control
          as="textarea"
          id="message"
          ref={box}
          rows={Math.min(8, Math.max(2, draft.split('\n').length))}
          value={draft}
          placeholder={turns.length ? 'Ask on' : 'Ask anything'}
          onChange={(e) => setDraft(e.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className="prompt-actions">
          <Button type="submit" disabled={running || !draft.trim() || !model}>
            Send
          </Button>
          <Button variant="outline-danger" disabled={!running} onClick={stop}>
            Stop
          </Button>
          <Form.Check
            type="switch"
            id="llm-open"
            label="Settings"
            checked={open}
            onChange={(e) => setOpen(e.target.checked)}
          />
          {turns.length > 0 && (
            <Button variant="link" className="llm-new" onClick={clear}>
              New chat
            </Button>
          )}
          <span className="prompt-hint">
            <kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> starts a line, <kbd>Esc</kbd>{' '}
            stops
          </span>
        </div>
      </Form>
    </main>
  );
}

function Loading({ model }: { model: LlmModel }) {
  const share = Math.round(100 * (model.progress ?? 0));
  return (
    <div className="llm-loading" role="status">
      <span>
        Loading <b>{model.id}</b>: {share} %
      </span>
      <progress max={100} value={share} aria-label={`Loading ${model.id}`} />
    </div>
  );
}

// The server was started with --api-key.
function KeyForm({ onKey }: { onKey: () => void }) {
  const [key, setKey] = useState('');
  const onSubmit = (e: FormEvent) => {
    e.preventDefault();
    setApiKey(key.trim());
    onKey();
  };
  return (
    <main className="start">
      <h1>This server wants a key</h1>
      <p className="lead">Its models answer only those who know the key it was started with.</p>
      <Form onSubmit={onSubmit}>
        <Form.Label htmlFor="api-key">API key</Form.Label>
        <InputGroup>
          <Form.Control
            id="api-key"
            type="password"
            autoComplete="current-password"
            value={key}
            onChange={(e) => setKey(e.target.value)}
          />
          <Button type="submit" disabled={!key.trim()}>
            Use it
          </Button>
        </InputGroup>
        <Form.Text>It is kept in this browser.</Form.Text>
      </Form>
    </main>
  );
}
