// gpt2/Gpt2Tab.tsx -- the GPT2 tab: prompt, options, and the text as it grows.
import { useEffect, useRef, type FormEvent } from 'react';
import Alert from 'react-bootstrap/Alert';
import Button from 'react-bootstrap/Button';
import Form from 'react-bootstrap/Form';

import type { GenerateOptions, Model } from '../api';
import { useFollow } from '../follow';
import { submitKeys, useKeys } from '../keys';
import { settleScroll } from '../route';
import { useStored } from '../store';
import Options from './Options';
import Output from './Output';
import { useRun } from './run';

const DEFAULT_PROMPT = "Albert Einstein's Theory of Relativity stated that";

const EXAMPLES = [DEFAULT_PROMPT, 'The quick brown fox', 'The event loop'];

const DEFAULT_OPTIONS: GenerateOptions = {
  max_length: '100',
  top_k: '50',
  seed: '',
  temperature: '1',
  top_p: '1',
  stop: '',
  model: '',
};

// Without what an older page has remembered and nobody asks for any more.
function known(options: GenerateOptions): GenerateOptions {
  const names = Object.keys(DEFAULT_OPTIONS) as (keyof GenerateOptions)[];
  return Object.fromEntries(names.map((n) => [n, options[n]])) as unknown as GenerateOptions;
}

interface Props {
  shown: boolean;
  models: Model[];
}

export default function Gpt2Tab({ shown, models }: Props) {
  const [prompt, setPrompt] = useStored('prompt', '');
  const [stored, setOptions] = useStored<Partial<GenerateOptions>>('options', {});
  const options = known({ ...DEFAULT_OPTIONS, ...stored });
  const [advanced, setAdvanced] = useStored('advanced', false);
  const { run, start, stop: halt } = useRun();
  const box = useRef<HTMLTextAreaElement>(null);
  const running = run.is === 'running';
  useFollow(run.text, running && shown);

  useEffect(() => {
    if (!shown) return;
    document.title = 'GPT2 – Parallelopedia';
    settleScroll(document, '');
  }, [shown]);

  const begin = (text: string, seed = options.seed) => {
    const isThere = models.some((m) => m.name === options.model);
    const model = isThere ? options.model : ''; // a remembered model may be gone
    const stop = options.stop.replaceAll('\\n', '\n'); // a line of input cannot hold one
    start(text, { ...options, seed, model, stop });
  };

  const fill = () => {
    setPrompt(DEFAULT_PROMPT);
    box.current?.focus();
  };

  useKeys(
    shown ? { d: fill, '/': () => box.current?.focus(), escape: () => running && halt() } : {},
  );

  const onSubmit = (e: FormEvent) => {
    e.preventDefault();
    const text = prompt.trim() ? prompt : DEFAULT_PROMPT; // as it always has been
    setPrompt(text);
    begin(text);
  };

  const onKeyDown = submitKeys(running ? halt : undefined);

  return (
    <main className="gpt2">
      <h1 className="visually-hidden">GPT2</h1>
      <Form onSubmit={onSubmit} className="prompt-form">
        <Form.Label htmlFor="prompt" className="visually-hidden">
          Prompt
        </Form.Label>
        <Form.Control
          as="textarea"
          id="prompt"
          ref={box}
          rows={3}
          value={prompt}
          placeholder={`Enter text, e.g. “${DEFAULT_PROMPT}”`}
          onChange={(e) => setPrompt(e.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className="prompt-actions">
          {/* Two buttons, not one that changes: a second click must not undo the first. */}
          <Button type="submit">{running ? 'Start anew' : 'Generate'}</Button>
          <Button variant="outline-danger" disabled={!running} onClick={halt}>
            Stop
          </Button>
          <Form.Check
            type="switch"
            id="advanced"
            label="Options"
            checked={advanced}
            onChange={(e) => setAdvanced(e.target.checked)}
          />
          <span className="prompt-hint">
            <kbd>Enter</kbd> generates, <kbd>Shift</kbd> <kbd>Enter</kbd> starts a line,{' '}
            <kbd>D</kbd> fills in an example
          </span>
        </div>
        {advanced && <Options options={options} models={models} onChange={setOptions} />}
      </Form>
      {run.is === 'failed' && (
        <Alert variant="danger" role="alert">
          {run.error}
        </Alert>
      )}
      {run.is === 'idle' && (
        <section className="examples" aria-labelledby="examples">
          <h2 id="examples">Begin with</h2>
          <ul className="chips">
            {EXAMPLES.map((text) => (
              <li key={text}>
                <button
                  type="button"
                  onClick={() => {
                    setPrompt(text);
                    begin(text);
                  }}
                >
                  {text}…
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {run.is !== 'idle' && (run.is !== 'failed' || run.text !== '') && (
        <Output
          run={run}
          onAgain={() => begin(run.prompt, run.seed)}
          onKeepSeed={(seed) => setOptions({ ...options, seed })}
          keptSeed={options.seed}
        />
      )}
    </main>
  );
}
