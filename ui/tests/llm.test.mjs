// llm.test.mjs -- the LLM tab in a real browser, against a real server that serves the demo's chat
// model. PAGE_URL names it; harness.mjs says how it is watched.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  A_FEW,
  assertNoSidewaysScroll,
  becomes,
  hashOf,
  heading,
  open,
  pressInto,
  relay,
  settled,
  skip,
} from './harness.mjs';

const message = (page) => page.getByRole('textbox', { name: 'Message' });
const answers = (page) => page.getByRole('article', { name: 'Answer' });
const questions = (page) => page.getByRole('article', { name: 'You' });
const state = (page) => answers(page).last().getByRole('status');
const isDone = (page) => state(page).filter({ hasText: /^(Done|Reached)/ }).waitFor();
const isWriting = (page) => state(page).filter({ hasText: 'Writing' }).waitFor();

// Greedy: the same answer every time.
const CALM = { chatSettings: { temperature: '0', max_tokens: '40' } };

async function say(page, text) {
  await message(page).fill(text);
  await message(page).press('Enter');
}

// What the page sent to the model, one entry for each turn.
function requests(page) {
  const sent = [];
  page.on('request', (r) => {
    if (r.url().endsWith('/v1/chat/completions')) sent.push(r.postDataJSON());
  });
  return sent;
}

const chunk = (delta, finish_reason = null) => ({ choices: [{ index: 0, delta, finish_reason }] });

// A server that answers with these pieces.
async function answerWith(page, ...deltas) {
  const events = [...deltas.map((d) => chunk(d)), chunk({}, 'stop')];
  const body = events.map((e) => `data: ${JSON.stringify(e)}\n\n`).join('') + 'data: [DONE]\n\n';
  await page.route('**/v1/chat/completions', (route) =>
    route.fulfill({ contentType: 'text/event-stream', body }),
  );
}

test('a question is answered as it streams, with figures; it survives a reload', { skip }, async (t) => {
  const page = await open(t, '#/llm', { pass: A_FEW, storage: CALM });
  await say(page, 'What is an event loop?');
  await isWriting(page);
  relay.pass = Infinity;
  await isDone(page);
  assert.equal(await questions(page).locator('.asked').textContent(), 'What is an event loop?');
  const said = await answers(page).locator('.said').textContent();
  assert.ok(said.trim().length > 0);
  const foot = await answers(page).locator('.turn-foot').textContent();
  assert.match(foot, /\d+ tokens?[\d.,]+ tokens\/sfirst after/);
  await page.reload();
  await becomes(() => answers(page).locator('.said').textContent(), said);
  await becomes(() => page.title(), 'LLM – Parallelopedia');
});

test('the conversation goes with each question, system prompt first', { skip }, async (t) => {
  const page = await open(t, '#/llm', { storage: { ...CALM, chatSystem: 'Be brief.' } });
  const sent = requests(page);
  await say(page, 'Hello');
  await isDone(page);
  await say(page, 'What is epoll?');
  await becomes(() => answers(page).count(), 2);
  await isDone(page);
  const [first, second] = sent.map((r) => r.messages);
  assert.deepEqual(first, [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
  ]);
  assert.equal(second.length, 4);
  assert.equal(second[2].role, 'assistant');
  assert.equal(second[3].content, 'What is epoll?');
  assert.equal(sent[0].temperature, 0);
  assert.equal(sent[0].max_tokens, 40);
});

test('Stop ends the request and keeps what has come', { skip }, async (t) => {
  const page = await open(t, '#/llm', { pass: A_FEW, storage: CALM });
  await say(page, 'Tell me about pages');
  await isWriting(page);
  await page.getByRole('button', { name: 'Stop' }).click();
  await state(page).filter({ hasText: 'Stopped' }).waitFor();
  await settled(
    () => relay.hangUps.filter((url) => url.includes('/chat/completions')).length,
    (n) => n > 0,
  );
  assert.ok((await answers(page).locator('.said').textContent()).length > 0);
});

test('Regenerate asks the last question again', { skip }, async (t) => {
  const page = await open(t, '#/llm', { storage: CALM });
  const sent = requests(page);
  await say(page, 'What is epoll?');
  await isDone(page);
  const said = await answers(page).locator('.said').textContent();
  await page.getByRole('button', { name: 'Regenerate' }).click();
  await becomes(() => sent.length, 2);
  await isDone(page);
  assert.deepEqual(sent[1].messages, sent[0].messages);
  await becomes(() => answers(page).locator('.said').textContent(), said);
  assert.equal(await answers(page).count(), 1);
});

test('an edited question drops what followed it', { skip }, async (t) => {
  const page = await open(t, '#/llm', { storage: CALM });
  await say(page, 'Hello');
  await isDone(page);
  await say(page, 'And then?');
  await becomes(() => answers(page).count(), 2);
  await isDone(page);
  const sent = requests(page);
  await questions(page).first().getByRole('button', { name: 'Edit' }).click();
  const draft = page.getByRole('textbox', { name: 'Edit what you said' });
  await draft.fill('What is a title index?');
  await draft.press('Enter');
  await becomes(() => questions(page).locator('.asked').allTextContents(), ['What is a title index?']);
  await isDone(page);
  assert.deepEqual(sent[0].messages, [{ role: 'user', content: 'What is a title index?' }]);
  await page.getByRole('button', { name: 'New chat' }).click();
  await becomes(() => questions(page).count(), 0);
});

test('Markdown is shown as elements; HTML, pictures and scripts are not', { skip }, async (t) => {
  const page = await open(t, '#/llm');
  await answerWith(
    page,
    { role: 'assistant', content: '' },
    { reasoning_content: 'Let me think.' },
    { content: '**Bold** and `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n' },
    { content: '<img src="http://example.org/x.png"><script>throw 1</script>\n\n' },
    { content: '![picture](http://example.org/y.png) [link](javascript:alert(1))' },
  );
  await say(page, 'Show me');
  await isDone(page);
  const said = answers(page).locator('.said');
  await becomes(() => said.locator('strong').textContent(), 'Bold');
  assert.equal(await said.locator('td').count(), 2);
  assert.equal(await said.locator('img, script, [href^="javascript"]').count(), 0);
  await page.getByText('Thoughts').click();
  await page.getByText('Let me think.').waitFor();
});

test('what the server refuses is shown in its own words', { skip }, async (t) => {
  const page = await open(t, '#/llm', { errors: [503] });
  const error = { message: 'everybody is busy', type: 'overloaded_error', param: null, code: null };
  await page.route('**/v1/chat/completions', (route) =>
    route.fulfill({ status: 503, json: { error } }),
  );
  await say(page, 'Hello');
  await page.getByRole('alert').filter({ hasText: 'everybody is busy' }).waitFor();
  await state(page).filter({ hasText: 'Broke off' }).waitFor();
});

test('a server with a key asks for it, and remembers it', { skip }, async (t) => {
  const page = await open(t, '#/llm', { errors: [401] });
  const error = { message: 'wrong key', type: 'invalid_request_error', code: 'invalid_api_key' };
  await page.route('**/v1/models', (route) =>
    route.request().headers().authorization === 'Bearer sesame'
      ? route.fallback()
      : route.fulfill({ status: 401, json: { error } }),
  );
  await page.reload();
  await heading(page, 'This server wants a key').waitFor();
  await page.getByLabel('API key').fill('sesame');
  await page.getByRole('button', { name: 'Use it' }).click();
  await message(page).waitFor();
});

test('a model that is being loaded says how far it is', { skip }, async (t) => {
  const page = await open(t, '#/llm');
  const model = { id: 'big', object: 'model', state: 'loading', progress: 0.42 };
  await page.route('**/v1/models', (route) =>
    route.fulfill({ json: { object: 'list', data: [model] } }),
  );
  await page.reload();
  await page.getByText('Loading big: 42 %').waitFor();
});

test('the keyboard alone: L / types Enter', { skip }, async (t) => {
  const page = await open(t, '', { storage: CALM });
  await heading(page, /./).waitFor();
  await page.keyboard.press('l');
  await becomes(() => hashOf(page), '#/llm');
  await message(page).waitFor();
  await pressInto(page, '/', message(page));
  await page.keyboard.type('Hello');
  await page.keyboard.press('Enter');
  await isDone(page);
});

test('the LLM tab fits a phone of 360 px, in the dark', { skip }, async (t) => {
  const page = await open(t, '#/llm', { width: 360, scheme: 'dark', storage: CALM });
  await say(page, 'What is an event loop?');
  await isDone(page);
  await assertNoSidewaysScroll(page);
  await page.getByLabel('Settings').check();
  await page.getByLabel('System prompt').waitFor();
  await assertNoSidewaysScroll(page);
});
