// gpt2/Output.tsx -- the text, how fast it came, and how to have it again.
import Button from 'react-bootstrap/Button';

import { Copy } from '../Copy';
import { plural, rate, time } from '../format';
import type { Run } from './run';

const ENDINGS: Record<string, string> = {
  length: 'Reached the maximum length',
  stop: 'The model ended its text',
};

function statusOf(run: Run): string {
  if (run.is === 'running') return run.n ? 'Writing' : 'Reading the prompt';
  if (run.is === 'stopped') return 'Stopped';
  if (run.is === 'failed') return 'Broke off';
  return ENDINGS[run.reason] ?? 'Done';
}

interface Props {
  run: Run;
  keptSeed: string;
  onAgain: () => void;
  onKeepSeed: (seed: string) => void;
}

export default function Output({ run, keptSeed, onAgain, onKeepSeed }: Props) {
  const running = run.is === 'running';
  return (
    <section className="output" aria-label="Generated text" aria-busy={running}>
      <div className="generated">
        <span className="generated-prompt">{run.prompt}</span>
        <span className="generated-text">{run.text}</span>
        {running && <span className="caret" aria-hidden="true" />}
      </div>
      <footer className="figures">
        <span className={`state state-${run.is}`} role="status">
          {statusOf(run)}
        </span>
        <span>{plural(run.n, 'token')}</span>
        <span>
          <b>{run.perSecond > 0 ? rate(run.perSecond) : '–'}</b> tokens/s
        </span>
        {run.firstMs !== undefined && <span>first after {time(run.firstMs)}</span>}
      </footer>
      {run.seed && (
        <div className="seed">
          <span>
            Seed <code>{run.seed}</code>
          </span>
          <Copy text={run.seed} label="Copy" />
          {!running && (
            <Button variant="link" size="sm" onClick={onAgain}>
              Again with this seed
            </Button>
          )}
          {keptSeed ? (
            <Button variant="link" size="sm" onClick={() => onKeepSeed('')}>
              Random seed next time
            </Button>
          ) : (
            <Button variant="link" size="sm" onClick={() => onKeepSeed(run.seed)}>
              Keep this seed
            </Button>
          )}
          {run.text && <Copy text={run.prompt + run.text} label="Copy text" />}
        </div>
      )}
      {run.headers.length > 0 && <Headers headers={run.headers} />}
    </section>
  );
}

function Headers({ headers }: { headers: [string, string][] }) {
  return (
    <details className="headers">
      <summary>Response headers</summary>
      <table>
        <tbody>
          {headers.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name.replace(/(^|-)[a-z]/g, (c) => c.toUpperCase())}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
