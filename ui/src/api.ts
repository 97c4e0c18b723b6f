// api.ts -- the server's routes as typed functions. Nothing else in the page calls fetch.
//
// Every function throws: ApiError when the server answered with an error, DOMException
// "AbortError" when the caller's signal fired, TypeError when there was no answer at all.

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

// The server's error page says it in <p>Message: ...</p>.
function messageOf(page: string, status: number): string {
  const doc = new DOMParser().parseFromString(page, 'text/html');
  for (const p of doc.querySelectorAll('p')) {
    const said = /^Message:\s*(.+)$/s.exec(p.textContent ?? '')?.[1];
    if (said) return said.trim().replace(/\.\.$/, '.');
  }
  return `The server answered with status ${status}.`;
}

// "no-cache" asks the server whether its copy is newer: a page must not outlive its dump.
async function get(url: string, signal?: AbortSignal, headers?: HeadersInit): Promise<Response> {
  const reply = await fetch(url, { signal, headers, cache: 'no-cache' });
  if (!reply.ok) throw new ApiError(reply.status, messageOf(await reply.text(), reply.status));
  return reply;
}

// --- What the server has ----------------------------------------------------------------------

export interface Model {
  name: string;
  block_size?: number;
  n_params?: number;
}

interface App {
  available?: boolean; // false: it was asked for and could not be opened
}

export interface Wiki extends App {
  name?: string;
  lang?: string;
  pages?: number;
}

export interface Stats {
  apps: {
    wiki?: Wiki;
    gpt2?: App & { models?: Model[] };
  };
}

export async function getStats(signal?: AbortSignal): Promise<Stats> {
  return (await get('/stats', signal)).json();
}

// --- Wiki -------------------------------------------------------------------------------------

export const PREFIX_MIN = 3; // characters; the server refuses shorter prefixes

export interface Hit {
  title: string;
  bytes: number; // of the page's XML
}

export interface Hits {
  hits: Hit[];
  total: number;
  ms: number;
}

type OffsetsRow = [title: string, first: number, last: number];

export async function searchTitles(
  prefix: string,
  offset: number,
  limit: number,
  signal: AbortSignal,
): Promise<Hits> {
  const began = performance.now();
  const url = `/wiki/offsets/${encodeURIComponent(prefix)}?limit=${limit}&offset=${offset}`;
  const reply = await get(url, signal);
  const json: unknown = await reply.json();
  const rows = Array.isArray(json) ? (json as OffsetsRow[]) : []; // older servers said {} for none
  return {
    hits: rows.map(([title, first, last]) => ({ title, bytes: last - first + 1 })),
    total: Number(reply.headers.get('X-Total-Count') ?? offset + rows.length),
    ms: performance.now() - began,
  };
}

export interface Page {
  title: string; // canonical
  redirectedFrom: string; // "" when it was asked for by its own title
  range: string; // "first-last" in the dump, "" when the server did not say
  body: string; // HTML fragment or XML
  ms: number;
}

export type View = 'html' | 'xml';

export async function getPage(
  title: string,
  view: View,
  followRedirects: boolean,
  signal: AbortSignal,
): Promise<Page> {
  const began = performance.now();
  const route = view === 'xml' ? 'wiki_xml' : 'wiki';
  const query = followRedirects ? '' : '?redirect=no';
  const reply = await get(`/wiki/${route}/${encodeURIComponent(title)}${query}`, signal);
  const header = (name: string) => decodeURIComponent(reply.headers.get(name) ?? '');
  const body = await reply.text();
  return {
    title: header('X-Title') || title,
    redirectedFrom: header('X-Redirected-From'),
    range: reply.headers.get('X-Range') ?? '',
    body,
    ms: performance.now() - began,
  };
}

export async function getRandomTitle(): Promise<string> {
  const row = (await (await get('/wiki/random')).json()) as OffsetsRow;
  return row[0];
}

// --- GPT-2 ------------------------------------------------------------------------------------

export interface GenerateOptions {
  max_length: string; // "" is the server's default, as for all of these
  top_k: string;
  seed: string;
  model: string;
  device: string;
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
        if (data.length) yield JSON.parse(data.join('\n'));
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
