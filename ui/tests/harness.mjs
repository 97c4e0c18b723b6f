// harness.mjs -- a real browser, the servers it is shown, and the relay between them.
//
// Between browser and server stands a relay of ours: it hands server-sent events on one by one, and
// no more of them than `pass` says, so that a stream lasts as long as a test needs it to; and it
// sees when the page hangs up. Every test also fails when the page asks another origin for anything
// or writes an error to the console.
//
// No test counts on how fast anything is. What follows from a click or an answer is waited for
// (waitFor, becomes, settled) unless it comes in the same rendering as something that was.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { chromium } from 'playwright-core';

export const SERVER = process.env.PAGE_URL;
export const skip = SERVER ? false : 'PAGE_URL is not set: start a server and name it';
export const TWO = process.env.PAGE_TWO_URL;
export const skipTwo = TWO ? false : 'PAGE_TWO_URL is not set: start a server with two wikis and name it';
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const SLOW = Number(process.env.PAGE_SLOW ?? 1);
const PATIENCE_MS = 60_000 * SLOW; // what works takes far less, also on a machine with much to do
const EVENT_MS = 15; // between two events of a relayed stream
export const A_FEW = 6; // events: the prompt and some tokens

let browser;
export let relay;
export let relayTwo;

before(async () => {
  if (skip) return;
  relay = await startRelay(new URL(SERVER));
  if (!skipTwo) relayTwo = await startRelay(new URL(TWO));
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS, timeout: PATIENCE_MS });
});

after(async () => {
  await browser?.close();
  for (const one of [relay, relayTwo]) {
    one?.server.closeAllConnections();
    one?.server.close();
  }
});

// --- The relay --------------------------------------------------------------------------------

async function startRelay(upstream) {
  // `pass`: events of a stream, the others wait. `hangUps`, `ended`: addresses of streams.
  const state = { pass: Infinity, hangUps: [], ended: [] };
  state.server = http.createServer((req, res) => {
    const { host, connection, ...headers } = req.headers;
    const { hostname, port } = upstream;
    const ask = http.request(
      // Each on a connection of its own: one that is kept may end just when it is used again.
      { host: hostname, port, method: req.method, path: req.url, headers, agent: false },
      (reply) => {
        res.writeHead(reply.statusCode, reply.headers);
        if (String(reply.headers['content-type']).startsWith('text/event-stream')) {
          drip(reply, res, state);
          res.on('close', () => (res.writableFinished ? state.ended : state.hangUps).push(req.url));
        } else {
          reply.pipe(res);
        }
      },
    );
    ask.on('error', () => res.destroy());
    res.on('close', () => ask.destroy());
    req.pipe(ask);
  });
  state.server.keepAliveTimeout = 0;
  await new Promise((ready) => state.server.listen(0, '127.0.0.1', ready));
  state.url = `http://127.0.0.1:${state.server.address().port}`;
  return state;
}

function drip(reply, res, state) {
  let rest = '';
  let n = 0;
  let ended = false;
  reply.setEncoding('utf8');
  reply.on('data', (text) => (rest += text));
  reply.on('close', () => (ended = true));
  const timer = setInterval(() => {
    const end = rest.indexOf('\n\n') + 2;
    if (end > 1) {
      if (n >= state.pass) return;
      n++;
      res.write(rest.slice(0, end));
      rest = rest.slice(end);
    } else if (ended) {
      clearInterval(timer);
      res.end(rest);
    }
  }, EVENT_MS);
  res.on('close', () => clearInterval(timer));
}

// --- Helpers ----------------------------------------------------------------------------------

const FAILED_REQUEST = /^Failed to load resource/; // the browser's own note on a 4xx or 5xx

// A page in a context of its own. `t` fails when it misbehaved, whatever the test looked at.
export async function open(t, hash, options = {}) {
  const { width = 1280, scheme = 'light', storage = {}, errors = [], from = relay } = options;
  from.pass = options.pass ?? Infinity;
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: scheme,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults = [];
  page.on('console', (m) => {
    const isExpected = errors.length > 0 && FAILED_REQUEST.test(m.text());
    if (m.type() === 'error' && !isExpected) faults.push(`console: ${m.text()}`);
  });
  page.on('pageerror', (e) => faults.push(`exception: ${e.message}`));
  page.on('request', (r) => {
    if (!r.url().startsWith(from.url + '/')) faults.push(`request: ${r.url()}`);
  });
  page.on('response', (r) => {
    if (r.status() >= 400 && !errors.includes(r.status()))
      faults.push(`status: ${r.status()} ${r.url()}`);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, []);
  });
  await page.addInitScript((entries) => {
    for (const [name, value] of entries)
      localStorage.setItem(`parallelopedia.${name}`, JSON.stringify(value));
  }, Object.entries(storage));
  await page.goto(`${from.url}/${hash}`);
  return page;
}

export const heading = (page, name) => page.getByRole('heading', { level: 1, name, exact: true });
export const hashOf = (page) => page.evaluate(() => decodeURIComponent(location.hash));
export async function assertNoSidewaysScroll(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `the page is ${over} px wider than the window`);
}

// Waits until what is read is as wanted.
export async function settled(read, wanted) {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const seen = await read();
    if (wanted(seen)) return;
    if (performance.now() > until) assert.fail(`still ${JSON.stringify(seen)}`);
    await new Promise((later) => setTimeout(later, 30));
  }
}

export const becomes = (read, value) => settled(read, (seen) => isDeepStrictEqual(seen, value));

// Presses a key that leads into a box. The page shows the box a moment before it listens for keys.
export async function pressInto(page, key, box) {
  const isIn = () => box.evaluate((e) => e === document.activeElement);
  await becomes(async () => {
    if (!(await isIn())) await page.keyboard.press(key);
    return isIn();
  }, true);
}

// Until the page has been drawn twice: then it has also noticed where it was scrolled to.
export const drawn = (page) =>
  page.evaluate(async () => {
    for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
  });

// Something that others wait for: await gate.passed until gate.open().
export function gate() {
  const made = {};
  made.passed = new Promise((yes) => (made.open = yes));
  return made;
}
