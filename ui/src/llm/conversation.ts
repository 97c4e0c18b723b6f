// llm/conversation.ts -- one conversation: sent, answered as it streams, stopped, answered anew.
//
// Invariants:
//   1. At most one answer is under way: asking again stops it first.
//   2. Pieces are gathered as they come and shown once per frame.
//   3. An answer ends as exactly one of done, stopped, failed; what had come by then stays.
//   4. The server is stateless: every turn sends the whole conversation, failed answers left out.
import { useCallback, useEffect, useRef, useState } from 'react';

import { chat, ApiError, explain, isAbort } from '../api';
import type { ChatChunk, ChatMessage, ChatSettings } from '../api';
import { load, save } from '../store';

export type AnswerState = 'running' | 'done' | 'stopped' | 'failed';

export interface Turn {
  role: 'user' | 'assistant';
  content: string;
  reasoning: string;
  // Of an answer
  is: AnswerState;
  model: string;
  tokens: number;
  perSecond: number;
  firstMs?: number; // from sending to the first piece
  reason: string; // why it ended: "stop", "length", "tool_calls"
  error: string;
}

const TURN: Turn = {
  role: 'user',
  content: '',
  reasoning: '',
  is: 'done',
  model: '',
  tokens: 0,
  perSecond: 0,
  reason: '',
  error: '',
};

function loadTurns(): Turn[] {
  const turns = load<Turn[]>('chat', []);
  // The page was closed while an answer came.
  return turns.map((t) => ({ ...TURN, ...t, is: t.is === 'running' ? 'stopped' : t.is }));
}

const messagesOf = (turns: Turn[], system: string): ChatMessage[] => [
  ...(system.trim() ? [{ role: 'system' as const, content: system }] : []),
  ...turns
    .filter((t) => t.role === 'user' || (t.is !== 'failed' && t.content !== '')) // 4.
    .map(({ role, content }) => ({ role, content })),
];

const BURST_S = 0.05;

// Tokens per second since the first. A short answer may come in one burst, of which only the whole
// time says anything.
function rateOf(tokens: number, began: number, first?: number): number {
  if (first === undefined || tokens < 2) return 0;
  const now = performance.now();
  const seconds = (now - first) / 1000;
  return seconds > BURST_S ? (tokens - 1) / seconds : (tokens * 1000) / (now - began);
}

// Adds a chunk to the answer. `pieces` counts what came, until the server says how many tokens.
function take(answer: Turn, chunk: ChatChunk, began: number, first: { at?: number }): void {
  if (chunk.error) throw new ApiError(200, chunk.error.message);
  const choice = chunk.choices[0];
  const { content, reasoning_content: reasoning } = choice?.delta ?? {};
  if (content || reasoning) {
    first.at ??= performance.now();
    answer.firstMs ??= first.at - began;
    answer.content += content ?? '';
    answer.reasoning += reasoning ?? '';
    answer.tokens++;
  }
  if (choice?.finish_reason) answer.reason = choice.finish_reason;
  if (chunk.usage) answer.tokens = chunk.usage.completion_tokens;
  answer.perSecond = rateOf(answer.tokens, began, first.at);
}

export interface Conversation {
  turns: Turn[];
  running: boolean;
  ask: (text: string, system: string, settings: ChatSettings) => void;
  // Answers the user's turn number `at` (or the last) again; with `text` that turn says so instead.
  askAgain: (system: string, settings: ChatSettings, at?: number, text?: string) => void;
  stop: () => void;
  clear: () => void;
}

export function useConversation(): Conversation {
  const [turns, setTurns] = useState<Turn[]>(loadTurns);
  const latest = useRef(turns);
  const under = useRef<AbortController>(undefined);

  const show = useCallback((next: Turn[]) => {
    latest.current = next;
    setTurns(next);
  }, []);

  const stop = useCallback(() => under.current?.abort(), []);

  const answer = useCallback(
    async (before: Turn[], system: string, settings: ChatSettings) => {
      under.current?.abort(); // 1.
      const control = (under.current = new AbortController());
      const began = performance.now();
      const first: { at?: number } = {};
      const live: Turn = { ...TURN, role: 'assistant', is: 'running', model: settings.model };
      let frame = 0;
      const draw = () => {
        frame = 0;
        if (under.current === control) show([...before, { ...live }]);
      };
      draw();
      try {
        for await (const chunk of await chat(messagesOf(before, system), settings, control.signal)) {
          take(live, chunk, began, first);
          frame ||= requestAnimationFrame(draw); // 2.
        }
        if (!live.reason) throw new ApiError(200, 'The stream broke off before its end.');
        live.is = 'done';
      } catch (e) {
        live.is = isAbort(e) || control.signal.aborted ? 'stopped' : 'failed'; // 3.
        if (live.is === 'failed') live.error = explain(e);
      }
      cancelAnimationFrame(frame);
      draw();
      if (under.current === control) save('chat', latest.current);
    },
    [show],
  );

  const ask = useCallback(
    (text: string, system: string, settings: ChatSettings) =>
      void answer([...latest.current, { ...TURN, content: text }], system, settings),
    [answer],
  );

  const askAgain = useCallback(
    (system: string, settings: ChatSettings, at?: number, text?: string) => {
      const now = latest.current;
      const last = at ?? now.map((t) => t.role).lastIndexOf('user');
      const turn = now[last];
      if (turn?.role !== 'user') return;
      const said = text === undefined ? turn : { ...turn, content: text };
      void answer([...now.slice(0, last), said], system, settings);
    },
    [answer],
  );

  const clear = useCallback(() => {
    under.current?.abort();
    under.current = undefined; // the answer that ends now is nobody's
    show([]);
    save('chat', []);
  }, [show]);

  useEffect(() => stop, [stop]);

  const running = turns.at(-1)?.is === 'running';
  return { turns, running, ask, askAgain, stop, clear };
}
