// gpt2/run.ts -- one generation: started, shown as it grows, stopped, remembered.
//
// Invariants:
//   1. At most one generation is under way: starting another stops it first.
//   2. Tokens are gathered as they come and shown once per frame: a model faster than the screen
//      does not slow the page down.
//   3. A run ends as exactly one of done, stopped, failed.
import { useCallback, useEffect, useRef, useState } from 'react';

import { ApiError, explain, generate, isAbort } from '../api';
import type { GenerateEvent, GenerateOptions } from '../api';
import { load, save } from '../store';

export interface Run {
  is: 'idle' | 'running' | 'done' | 'stopped' | 'failed';
  prompt: string;
  text: string; // what was generated, without the prompt
  n: number; // tokens
  perSecond: number;
  firstMs?: number; // from sending to the first token
  reason: string; // why it is done: "length", "stop"
  seed: string; // the one that was really used
  headers: [string, string][];
  error: string;
}

const IDLE: Run = {
  is: 'idle',
  prompt: '',
  text: '',
  n: 0,
  perSecond: 0,
  reason: '',
  seed: '',
  headers: [],
  error: '',
};

function loadRun(): Run {
  const run = { ...IDLE, ...load<Partial<Run>>('run', {}) };
  return run.is === 'running' ? { ...run, is: 'stopped' } : run; // the page was closed meanwhile
}

function take(run: Run, event: GenerateEvent, began: number): void {
  if ('prompt' in event) {
    return; // it is shown already, as it was typed
  } else if ('text' in event) {
    run.text += event.text;
    run.n = event.n;
    run.perSecond = event.tok_s;
    run.firstMs ??= performance.now() - began;
  } else if ('done' in event) {
    run.is = 'done';
    run.reason = event.reason;
    run.n = event.n;
    run.perSecond = event.tok_s;
  } else {
    throw new ApiError(200, event.error);
  }
}

export interface Runner {
  run: Run;
  start: (prompt: string, options: GenerateOptions) => void;
  stop: () => void;
}

export function useRun(): Runner {
  const [run, setRun] = useState<Run>(loadRun);
  const under = useRef<AbortController>(undefined);

  const stop = useCallback(() => under.current?.abort(), []);

  const start = useCallback(async (prompt: string, options: GenerateOptions) => {
    under.current?.abort(); // 1.
    const control = (under.current = new AbortController());
    const began = performance.now();
    const live: Run = { ...IDLE, is: 'running', prompt };
    let frame = 0;
    const show = () => {
      frame = 0;
      if (under.current === control) setRun({ ...live });
    };
    show();
    try {
      const { headers, events } = await generate(prompt, options, control.signal);
      live.headers = headers;
      live.seed = headers.find(([name]) => name === 'x-seed')?.[1] ?? '';
      for await (const event of events) {
        take(live, event, began);
        frame ||= requestAnimationFrame(show); // 2.
      }
      if (live.is === 'running') throw new ApiError(200, 'The stream broke off before its end.');
    } catch (e) {
      live.is = isAbort(e) || control.signal.aborted ? 'stopped' : 'failed'; // 3.
      if (live.is === 'failed') live.error = explain(e);
    }
    cancelAnimationFrame(frame);
    show();
    if (under.current === control) save('run', live);
  }, []);

  useEffect(() => stop, [stop]);

  return { run, start: (prompt, options) => void start(prompt, options), stop };
}
