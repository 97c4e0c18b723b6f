// api.ts -- the server's routes as typed functions. Nothing else in the page calls fetch.
//
// Every function throws: ApiError when the server answered with an error, DOMException
// "AbortError" when the caller's signal fired, TypeError when there was no answer at all.

import { load, save } from './store';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const isAbort = (e: unknown): boolean =>
  e instanceof DOMException && e.name === 'AbortError';

// One line for people.
export function explain(e: unknown): string {
  if (e instanceof ApiError) return e.message;
  if (e instanceof TypeError) return 'The server does not answer. Is it still running?';
  return e instanceof Error ? e.message : String(e);
}

// OpenAI's shape of an error, or undefined.
function openAiMessage(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message;
  } catch {
    return undefined;
  }
}

// /v1 says it in JSON; elsewhere the server's error page says it in <p>Message: ...</p>.
function messageOf(page: string, status: number): string {
  const said = openAiMessage(page);
  if (said) return said;
  const doc = new DOMParser().parseFromString(page, 'text/html');
  for (const p of doc.querySelectorAll('p')) {
    const said = /^Message:\s*(.+)$/s.exec(p.textContent ?? '')?.[1];
    if (said) return said.trim().replace(/\.\.$/, '.');
  }
  return `The server answered with status ${status}.`;
}

// Fired on the window when an answer says that it comes from an index that is not finished.
export const INDEX_PROGRESS = 'indexprogress';

// "no-cache" asks the server whether its copy is newer: a page must not outlive its dump.
async function get(url: string, signal?: AbortSignal, headers?: HeadersInit): Promise<Response> {
  const reply = await fetch(url, { signal, headers, cache: 'no-cache' });
  if (reply.headers.has('X-Index-Progress')) dispatchEvent(new Event(INDEX_PROGRESS));
  if (!reply.ok) throw new ApiError(reply.status, messageOf(await reply.text(), reply.status));
  return reply;
}

// --- What the server has ----------------------------------------------------------------------

export interface Model {
  name: string;
  block_size?: number;
  n_params?: number;
  type?: string; // what its weights are held in: "int8"
}

interface App {
  available?: boolean; // false: it was asked for and could not be opened
}

export interface Stats {
  apps: {
    wiki?: App;
    gpt2?: App & { models?: Model[] };
    llm?: App;
  };
}

export async function getStats(signal?: AbortSignal): Promise<Stats> {
  return (await get('/stats', signal)).json();
}

// --- Wiki -------------------------------------------------------------------------------------

export interface Wiki {
  name: string; // in addresses: "enwiki"
  sitename?: string;
  lang?: string;
  pages: number;
  building?: boolean; // then also:
  progress?: number; // 0 to 1
  pages_read?: number;
  seconds_left?: number | null;
}

const name = encodeURIComponent;

async function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  return (await (await get(url, signal)).json()) as T;
}

// In the order they were given to the server: the first is the one at /wiki.
export async function getWikis(signal?: AbortSignal): Promise<Wiki[]> {
  return getJson<Wiki[]>('/api/wiki', signal);
}

export interface Hit {
  title: string;
  redirect_to?: string;
  disambiguation?: boolean;
  group?: string; // what this title is one meaning of
}

export interface Hits {
  total: number;
  results: Hit[];
}

// The best titles that start with the text, from one character on.
export const suggest = (db: string, text: string, limit: number, signal: AbortSignal) =>
  getJson<Hits>(`/api/wiki/${name(db)}/suggest?q=${name(text)}&limit=${limit}`, signal);

// Titles with these words, or with words spelled much like them.
export const searchWords = (db: string, text: string, limit: number, signal: AbortSignal) =>
  getJson<Hits>(`/api/wiki/${name(db)}/search?q=${name(text)}&limit=${limit}`, signal);

export const LISTS = ['titles', 'categories', 'backlinks', 'redirects'] as const;
export type ListKind = (typeof LISTS)[number];

// A part of: the titles that start with `of`, the members of the category `of`, the pages that link
// or redirect to `of`.
export function getList(
  db: string,
  kind: ListKind,
  of: string,
  offset: number,
  limit: number,
  signal: AbortSignal,
): Promise<Hits> {
  const part = `limit=${limit}&offset=${offset}`;
  const route = kind === 'titles' ? `titles?prefix=${name(of)}&` : `${kind}/${name(of)}?`;
  return getJson(`/api/wiki/${name(db)}/${route}${part}`, signal);
}

// What the index knows of a page. A section that was not built is absent.
export interface Facts {
  title: string;
  revision?: { timestamp: string };
  categories?: string[];
  backlinks?: number;
  redirects?: number;
}

export const getFacts = (db: string, title: string, signal: AbortSignal) =>
  getJson<Facts>(`/api/wiki/${name(db)}/page/${name(title)}`, signal);

export interface Page {
  title: string; // canonical
  redirectedFrom: string; // "" when it was asked for by its own title
  range: string; // "first-last" in the dump, "" when the server did not say
  body: string; // HTML fragment or XML
  ms: number;
}

export type View = 'html' | 'xml';

// `at` is "" for the first wiki, else the name of one.
export async function getPage(
  at: string,
  title: string,
  view: View,
  followRedirects: boolean,
  signal: AbortSignal,
): Promise<Page> {
  const began = performance.now();
  const route = `${at ? `/w/${name(at)}` : '/wiki'}/${view === 'xml' ? 'wiki_xml' : 'wiki'}`;
  const query = followRedirects ? '' : '?redirect=no';
  const reply = await get(`${route}/${name(title)}${query}`, signal);
  const header = (key: string) => decodeURIComponent(reply.headers.get(key) ?? '');
  const body = await reply.text();
  return {
    title: header('X-Title') || title,
    redirectedFrom: header('X-Redirected-From'),
    range: reply.headers.get('X-Range') ?? '',
    body,
    ms: performance.now() - began,
  };
}

export async function getRandomTitle(db: string): Promise<string> {
  return (await getJson<{ title: string }>(`/api/wiki/${name(db)}/random`)).title;
}

// --- GPT-2 ------------------------------------------------------------------------------------

export interface GenerateOptions {
  max_length: string; // "" is the server's default, as for all of these
  top_k: string;
  seed: string;
  temperature: string;
  top_p: string;
  stop: string;
  model: string;
}

export type GenerateEvent =
  | { prompt: string }
  | { text: string; n: number; tok_s: number }
  | { done: true; reason: string; n: number; tok_s: number }
  | { error: string };

export interface Generation {
  headers: [string, string][]; // X-..., in the server's order
  events: AsyncGenerator<GenerateEvent>;
}

export async function generate(
  prompt: string,
  options: GenerateOptions,
  signal: AbortSignal,
): Promise<Generation> {
  const given = Object.entries(options).filter(([, value]) => value !== '');
  const query = new URLSearchParams(given as [string, string][]).toString();
  const url = `/gpt2/generate/${encodeURIComponent(prompt)}${query && '?' + query}`;
  const reply = await get(url, signal, { Accept: 'text/event-stream' });
  const type = reply.headers.get('Content-Type') ?? 'nothing';
  if (!type.startsWith('text/event-stream') || !reply.body)
    throw new ApiError(reply.status, `The server sent ${type} where events were expected.`);
  return {
    headers: [...reply.headers].filter(([name]) => name.startsWith('x-')),
    events: readEvents(reply.body) as AsyncGenerator<GenerateEvent>,
  };
}

// --- Language models --------------------------------------------------------------------------

export interface LlmModel {
  id: string;
  state?: 'cold' | 'loading' | 'ready' | 'broken';
  progress?: number; // 0 to 1, while it is loaded
  context_window?: number; // tokens, once it is loaded
}

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

// "" is the model's own default.
export interface ChatSettings {
  model: string;
  temperature: string;
  top_p: string;
  top_k: string;
  max_tokens: string;
  seed: string;
}

export interface ChatChunk {
  choices: {
    delta?: { content?: string | null; reasoning_content?: string | null };
    finish_reason?: string | null;
  }[];
  usage?: { completion_tokens: number } | null;
  error?: { message: string };
}

let apiKey = load('apiKey', '');

export function setApiKey(key: string): void {
  apiKey = key;
  save('apiKey', key);
}

const authorization = (): Record<string, string> =>
  apiKey ? { Authorization: `Bearer ${apiKey}` } : {};

export async function getLlmModels(signal?: AbortSignal): Promise<LlmModel[]> {
  const reply = await get('/v1/models', signal, authorization());
  return ((await reply.json()) as { data: LlmModel[] }).data;
}

// The answer to a conversation, in pieces.
export async function chat(
  messages: ChatMessage[],
  { model, ...numbers }: ChatSettings,
  signal: AbortSignal,
): Promise<AsyncGenerator<ChatChunk>> {
  const given = Object.entries(numbers as Record<string, string>).filter(([, v]) => v !== '');
  const reply = await fetch('/v1/chat/completions', {
    method: 'POST',
    signal,
    headers: { 'Content-Type': 'application/json', ...authorization() },
    body: JSON.stringify({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
      ...Object.fromEntries(given.map(([k, v]) => [k, Number(v)])),
    }),
  });
  if (!reply.ok) throw new ApiError(reply.status, messageOf(await reply.text(), reply.status));
  if (!reply.body) throw new ApiError(reply.status, 'The server sent nothing.');
  return readEvents(reply.body) as AsyncGenerator<ChatChunk>;
}

// Server-sent events (HTML standard 9.2) as far as the server uses them: "data:" fields of JSON.
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split(/\r?\n\r?\n/);
      rest = events.pop() ?? '';
      for (const event of events) {
        const data = event
          .split(/\r?\n/)
          .filter((line) => line.startsWith('data:'))
          .map((line) => line.slice(5).trimStart());
        if (data[0] === '[DONE]') return; // OpenAI's way to say that this was the last
        if (data.length) yield JSON.parse(data.join('\n'));
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
