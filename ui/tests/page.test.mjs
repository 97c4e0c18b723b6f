// page.test.mjs -- the page in a real browser, against a real server that serves the handbook.
//
//   PAGE_URL=http://127.0.0.1:4444 PAGE_TWO_URL=http://127.0.0.1:4445 npm test
//
// The second server has the handbook first and, as "second", a copy in which "Architecture" is
// called "Second architecture"; its models are "gpt2" and "small".
//
// PAGE_SLOW=6 waits six times as long (a server built with sanitizers).

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  A_FEW,
  SERVER,
  assertNoSidewaysScroll,
  becomes,
  drawn,
  gate,
  hashOf,
  heading,
  open,
  pressInto,
  relay,
  relayTwo,
  settled,
  skip,
  skipTwo,
} from './harness.mjs';

const searchBox = (page) => page.getByRole('combobox', { name: 'Search Wikipedia titles' });

// An article that the server does not have.
async function invent(page, title, body) {
  const facts = { title, categories: [], backlinks: 0, redirects: 0 };
  await page.route(`**/api/wiki/*/page/${title}`, (route) => route.fulfill({ json: facts }));
  await page.route(`**/wiki/wiki/${title}`, (route) =>
    route.fulfill({ contentType: 'text/html', body }),
  );
}

// --- Wiki -------------------------------------------------------------------------------------

test('search finds titles and opens the one that is clicked', { skip }, async (t) => {
  const page = await open(t, '');
  await searchBox(page).fill('archi');
  const hit = page.getByRole('option', { name: /^Architecture/ });
  await hit.waitFor();
  assert.equal(await hit.locator('mark').textContent(), 'Archi');
  assert.match(await page.locator('.hits-status').textContent(), /\d+ titles? in .*handbook.*m?s/);
  await hit.click();
  await heading(page, 'Architecture').waitFor();
  assert.equal(await hashOf(page), '#/wiki/Architecture');
  await becomes(() => searchBox(page).inputValue(), 'Architecture');
  await becomes(() => page.title(), 'Architecture – Parallelopedia');
});

test('one letter is enough, and what is known is not asked again', { skip }, async (t) => {
  const page = await open(t, '');
  await heading(page, /./).waitFor();
  let asked = 0;
  page.on('request', (r) => (asked += r.url().includes('/suggest') ? 1 : 0));
  await searchBox(page).fill('a');
  await page.getByRole('option').first().waitFor();
  assert.match(await page.getByRole('option').first().textContent(), /^a/i);
  await searchBox(page).fill('');
  await page.getByRole('option').first().waitFor({ state: 'detached' });
  await searchBox(page).fill('a');
  await page.getByRole('option').first().waitFor();
  assert.equal(asked, 1);
});

test('words of a title and misspelt titles are found, and marked', { skip }, async (t) => {
  const page = await open(t, '');
  await searchBox(page).fill('loop event');
  const hit = page.getByRole('option', { name: /^Event loop/ });
  await hit.getByText('similar').waitFor();
  await searchBox(page).fill('architectrue');
  await page.getByText('No title starts with architectrue').waitFor();
  await page.getByRole('option', { name: /^Architecture.*similar/ }).click();
  await heading(page, 'Architecture').waitFor();
});

// Answers of a server with more titles than the handbook has.
const SUGGESTED = {
  query: 'mer',
  total: 1234567,
  wiki: 'handbook',
  results: [
    { title: 'Mercury', ns: 0, score: 9, disambiguation: true, group: 'Mercury' },
    { title: 'Merkel', ns: 0, score: 8, redirect_to: 'Angela Merkel' },
    { title: 'Mercury (planet)', ns: 0, score: 7, group: 'Mercury' },
  ],
};

test('totals, redirects and meanings are shown; Home and End lead', { skip }, async (t) => {
  const page = await open(t, '');
  await page.route('**/suggest?*', (route) => route.fulfill({ json: SUGGESTED }));
  await searchBox(page).fill('mer');
  await page.getByText('3 of 1,234,567 titles').waitFor();
  const rows = await page.getByRole('option').allTextContents();
  assert.deepEqual(rows, [
    'Mercuryseveral meanings',
    'Mercury (planet)',
    'Merkel → Angela Merkel',
    'Show all 1,234,567 titles that start with mer',
  ]);
  assert.equal(await page.locator('.is-meaning').count(), 1);
  const selected = () => page.getByRole('option', { selected: true }).textContent();
  const pointed = async () => {
    const id = await searchBox(page).getAttribute('aria-activedescendant');
    return page.locator(`[id="${id}"]`).textContent();
  };
  await page.keyboard.press('ArrowDown');
  await becomes(selected, rows[1]);
  await page.keyboard.press('End');
  await becomes(selected, rows[3]);
  assert.equal(await pointed(), rows[3]);
  await page.keyboard.press('Home');
  await becomes(selected, rows[0]);
  await page.keyboard.press('ArrowUp');
  await becomes(selected, rows[3]);
});

test('an answer that comes late does not replace a newer one', { skip }, async (t) => {
  const page = await open(t, '');
  const [asked, mayAnswer, answered] = [gate(), gate(), gate()];
  await page.route('**/suggest?q=a&*', async (route) => {
    asked.open();
    await mayAnswer.passed;
    const results = [{ title: 'A late title' }];
    await route.fulfill({ json: { total: 1, results } }).catch(() => undefined); // hung up
    answered.open();
  });
  await searchBox(page).pressSequentially('a');
  await asked.passed;
  await page.keyboard.type('rchi');
  await page.getByRole('option', { name: /^Architecture/ }).waitFor();
  mayAnswer.open();
  await answered.passed;
  await page.waitForTimeout(200); // time to do it wrong
  assert.equal(await page.getByText('A late title').count(), 0);
});

test('the keyboard alone: / types arrows Enter Esc W G', { skip }, async (t) => {
  const page = await open(t, '');
  await pressInto(page, '/', searchBox(page));
  await page.keyboard.type('the');
  const hit = page.getByRole('option').nth(1);
  await hit.locator('mark').filter({ hasText: /^the$/i }).waitFor(); // no longer those of "t"
  const second = await hit.locator('.hit-title').textContent();
  const selected = () => page.locator('[aria-selected="true"] .hit-title').allTextContents();
  await page.keyboard.press('ArrowDown');
  await becomes(selected, [second]);
  await page.keyboard.press('Escape');
  await becomes(() => page.getByRole('option').count(), 0);
  await page.keyboard.press('ArrowDown');
  await page.getByRole('option').first().waitFor();
  await page.keyboard.press('ArrowDown');
  await becomes(selected, [second]);
  await page.keyboard.press('Enter');
  await heading(page, second).waitFor();
  await page.keyboard.press('g');
  await promptBox(page).waitFor();
  assert.equal(await hashOf(page), '#/gpt2');
  await page.keyboard.press('w');
  await heading(page, second).waitFor();
});

test('Enter waits for the list of what was typed last', { skip }, async (t) => {
  const page = await open(t, '');
  await searchBox(page).focus();
  await page.keyboard.type('event lo');
  await page.keyboard.press('Enter');
  await heading(page, 'Event loop').waitFor();
});

test('all titles with a beginning come in parts of a hundred', { skip }, async (t) => {
  const page = await open(t, '');
  const rows = Array.from({ length: 230 }, (_, i) => ({ title: `Long list ${i}` }));
  await page.route(/\/(suggest|titles)\?/, (route) => {
    const query = new URL(route.request().url()).searchParams;
    const [offset, limit] = [Number(query.get('offset')), Number(query.get('limit'))];
    return route.fulfill({ json: { total: 230, results: rows.slice(offset, offset + limit) } });
  });
  await searchBox(page).fill('long list');
  await page.getByText('10 of 230 titles').waitFor();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await heading(page, 'Titles that start with “long list”').waitFor();
  assert.equal(await hashOf(page), '#/list/handbook/titles/long list');
  const titles = page.locator('.list-titles a');
  await becomes(() => titles.count(), 100); // the heading stands before they are there
  await page.getByRole('button', { name: 'Show more (100 of 230)' }).click();
  await becomes(() => titles.count(), 200);
  await page.getByRole('button', { name: 'Show more (200 of 230)' }).click();
  await becomes(() => titles.count(), 230);
  await becomes(() => page.getByRole('button', { name: /^Show more/ }).count(), 0);
  await becomes(() => page.evaluate(() => document.activeElement.textContent), 'Long list 200');
});

test('below an article: its categories, what links and redirects here', { skip }, async (t) => {
  const page = await open(t, '#/wiki/Event_loop');
  const foot = page.locator('.article-foot');
  await foot.getByRole('link', { name: /^What links here/ }).click();
  await heading(page, 'What links to “Event loop”').waitFor();
  await page.locator('.list-titles').getByRole('link', { name: 'Architecture' }).click();
  await heading(page, 'Architecture').waitFor();
  await foot.getByRole('navigation', { name: 'Categories' }).getByRole('link').first().click();
  await page.locator('.list-kind').getByText('Category').waitFor();
  await page.getByRole('link', { name: 'Architecture', exact: true }).click();
  await heading(page, 'Architecture').waitFor();
});

test('an index under construction is shown, and moves nothing as it ends', { skip }, async (t) => {
  const page = await open(t, '');
  const wiki = { name: 'handbook', sitename: 'Handbook', lang: 'en', pages: 5 };
  const progress = { progress: 0.375, pages_read: 1234567, seconds_left: 130 };
  let building = true;
  await page.route('**/api/wiki', (route) =>
    route.fulfill({ json: [building ? { ...wiki, building, ...progress } : wiki] }),
  );
  await page.reload();
  const bar = page.getByRole('complementary', { name: 'Indexing' });
  await bar.waitFor();
  assert.match(await bar.textContent(), /37\.5 %.*1,234,567 pages so far.*2 min left/);
  await page.getByRole('link', { name: 'Open the main page' }).waitFor(); // the last thing to come
  const before = await heading(page, 'Handbook').boundingBox();
  building = false;
  await bar.waitFor({ state: 'detached' });
  assert.deepEqual(await heading(page, 'Handbook').boundingBox(), before);
});

const choice = (page) => page.getByRole('combobox', { name: 'Wiki to search' });

test('of two wikis the page says which one a title is from', { skip: skipTwo }, async (t) => {
  const page = await open(t, '', { from: relayTwo });
  await searchBox(page).fill('event loop');
  await page.getByRole('option', { name: /^Event loop.*handbook$/ }).waitFor();
  await page.getByRole('option', { name: /^Event loop.*second$/ }).waitFor();
  await choice(page).selectOption('second');
  await searchBox(page).fill('second arch');
  await page.getByRole('option', { name: /^Second architecture/ }).click();
  await heading(page, 'Second architecture').waitFor();
  assert.equal(await hashOf(page), '#/w/second/Second_architecture');
  await page.reload();
  await heading(page, 'Second architecture').waitFor();
  await becomes(() => choice(page).inputValue(), 'second');
  await page.locator('.article a', { hasText: 'Event loop' }).first().click();
  await heading(page, 'Event loop').waitFor();
  assert.equal(await hashOf(page), '#/w/second/Event_loop');
});

test('a link to another wiki opens in the page', { skip: skipTwo }, async (t) => {
  const page = await open(t, '', { from: relayTwo });
  const link = '<p><a href="/w/second/wiki/Second_architecture#Failure">There</a></p>';
  await invent(page, 'Linking', link);
  await page.evaluate(() => {
    window.isSameDocument = true;
    location.hash = '#/wiki/Linking';
  });
  await page.getByRole('link', { name: 'There' }).click();
  await heading(page, 'Second architecture').waitFor();
  assert.equal(await hashOf(page), '#/w/second/Second_architecture#Failure');
  assert.equal(await page.evaluate(() => window.isSameDocument), true);
});

test('two wikis fit a phone of 360 px', { skip: skipTwo }, async (t) => {
  const page = await open(t, '', { from: relayTwo, width: 360, scheme: 'dark' });
  await heading(page, /./).waitFor();
  await assertNoSidewaysScroll(page);
  await searchBox(page).fill('e');
  await page.getByRole('listbox').getByRole('option').first().waitFor();
  await assertNoSidewaysScroll(page);
});

test('a fragment that would run code is disarmed', { skip }, async (t) => {
  const page = await open(t, '');
  const body =
    '<p id="safe">Text<script>evil = 1</script> <a href="javascript:evil = 1">a</a>' +
    '<a href=" data:text/html,x">b</a><iframe src="/"></iframe><form><input></form></p>';
  await invent(page, 'Hostile', body);
  await page.evaluate(() => (location.hash = '#/wiki/Hostile'));
  await page.locator('#safe').waitFor();
  const html = await page.locator('.article').innerHTML();
  assert.doesNotMatch(html, /script|data:|iframe|form|input/);
});

const RICH = `
  <div id="toc" class="toc"><input type="checkbox" class="toctogglecheckbox" /><p>Typed contents</p></div>
  <style data-mw-deduplicate="x">.mw-parser-output .styled { color: rgb(1, 2, 3) }</style>
  <style>p { display: none }</style>
  <p class="styled">Said.<sup id="cite_ref-1" class="reference"><a href="#cite_note-1">[1]</a></sup>
  <math display="block"><semantics><mrow><mi>a</mi><mo>=</mo><mn>4</mn></mrow></semantics></math></p>
  ${['One', 'Two', 'Three'].map((name) => `
    <div class="mw-heading mw-heading2"><h2 id="${name}">${name}<sup class="reference">[1]</sup></h2></div>
    ${'<p>Words.</p>'.repeat(60)}`).join('')}
  <table class="wikitable"><tbody><tr style="background: #ffc"><th>Light</th></tr></tbody></table>
  <ol class="references"><li id="cite_note-1"><a href="#cite_ref-1">↑</a> Who said it.</li></ol>`;

async function openRich(t, options) {
  const page = await open(t, '', options);
  await invent(page, 'Rich', RICH);
  await page.evaluate(() => (location.hash = '#/wiki/Rich'));
  await page.locator('.article .styled').waitFor();
  return page;
}

test('formulas and sheets of templates are shown, contents stand once', { skip }, async (t) => {
  const page = await openRich(t);
  assert.equal(await page.locator('.article math mi').textContent(), 'a');
  const colour = (at) => page.locator(at).evaluate((e) => getComputedStyle(e).color);
  assert.equal(await colour('.article .styled'), 'rgb(1, 2, 3)');
  assert.equal(await page.locator('.article style').count(), 1);
  assert.equal(await page.getByText('Typed contents').count(), 0);
  assert.deepEqual(await page.locator('.toc-side a').allTextContents(), ['One', 'Two', 'Three']);
});

test('a footnote is jumped to and back from, and marked', { skip }, async (t) => {
  const page = await openRich(t);
  await page.getByRole('link', { name: '[1]', exact: true }).click();
  await page.locator('li#cite_note-1.is-target').waitFor();
  assert.equal(await hashOf(page), '#/wiki/Rich#cite_note-1');
  await settled(() => page.evaluate(() => scrollY), (y) => y > 0);
  await page.getByRole('link', { name: '↑', exact: true }).click();
  await page.locator('sup#cite_ref-1.is-target').waitFor();
  assert.equal(await page.locator('.is-target').count(), 1);
  await settled(() => page.locator('#cite_ref-1').boundingBox(), (box) => box && box.y >= 0 && box.y < 800);
});

test("authors' light backgrounds keep dark letters in the dark", { skip }, async (t) => {
  const page = await openRich(t, { scheme: 'dark' });
  await becomes(() => page.locator('html').getAttribute('data-bs-theme'), 'dark');
  const cell = page.locator('.article th');
  const seen = await cell.evaluate((e) => [
    getComputedStyle(e).color,
    getComputedStyle(e).backgroundColor,
    getComputedStyle(e.parentElement).backgroundColor,
  ]);
  assert.deepEqual(seen, ['rgb(32, 33, 34)', 'rgba(0, 0, 0, 0)', 'rgb(255, 255, 204)']);
});

test('text from right to left turns the article round', { skip }, async (t) => {
  const page = await open(t, '');
  await invent(page, 'Arabic', '<p>ABC</p><p>هذا مقال باللغة العربية عن برلين</p><ul><li>بند</li></ul>');
  await page.evaluate(() => (location.hash = '#/wiki/Arabic'));
  const article = page.locator('.article');
  await article.waitFor();
  assert.equal(await article.getAttribute('dir'), 'rtl');
  const padding = await article.locator('ul').evaluate((e) => {
    const { paddingLeft, paddingRight } = getComputedStyle(e);
    return [parseFloat(paddingLeft), parseFloat(paddingRight) > 0];
  });
  assert.deepEqual(padding, [0, true]);
});

// --- The reading view -------------------------------------------------------------------------

test('the reading view is reached from the article and stays in itself', { skip }, async (t) => {
  const page = await open(t, '#/wiki/Architecture');
  await page.getByRole('link', { name: 'Reading view' }).click();
  await heading(page, 'Architecture').waitFor();
  assert.match(page.url(), /\/w\/[^/]+\/read\/Architecture$/);
  assert.equal(await page.locator('script').count(), 0);
  await page.locator('main a', { hasText: 'Event loop' }).first().click();
  await heading(page, 'Event loop').waitFor();
  assert.match(page.url(), /\/read\/Event_loop$/);
  await page.getByRole('searchbox').fill('Architecture');
  await page.getByRole('button', { name: 'Search' }).click();
  await heading(page, 'Architecture').waitFor();
  await page.getByRole('link', { name: 'In the app' }).click();
  await page.locator('.article').waitFor();
  assert.match(await hashOf(page), /^#\/w\/[^/]+\/Architecture$/);
});

test('the reading view has its contents beside the text, folded on a phone', { skip }, async (t) => {
  const wide = await open(t, 'read/Architecture');
  const entry = wide.locator('.contents a').first();
  assert.equal(await entry.isVisible(), true);
  await entry.click();
  assert.notEqual(await wide.evaluate(() => location.hash), '');
  const narrow = await open(t, 'read/Architecture', { width: 360, scheme: 'dark' });
  assert.equal(await narrow.locator('.contents a').first().isVisible(), false);
  await narrow.locator('.contents summary').click();
  assert.equal(await narrow.locator('.contents a').first().isVisible(), true);
  await assertNoSidewaysScroll(narrow);
  const background = await narrow.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.ok(Math.max(...background.match(/\d+/g).map(Number)) < 64, `${background} is not dark`);
});

test('the reading view on paper is the article alone', { skip }, async (t) => {
  const page = await open(t, 'read/Event_loop', { scheme: 'dark' });
  await page.emulateMedia({ media: 'print' });
  for (const at of ['.contents', 'form', '.foot nav'])
    assert.equal(await page.locator(at).first().isVisible(), false, at);
  assert.equal(await heading(page, 'Event loop').isVisible(), true);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), 'rgb(0, 0, 0)');
});

test('an app that is absent says how to start it', { skip }, async (t) => {
  const page = await open(t, '');
  await page.route('**/stats', (route) =>
    route.fulfill({ json: { apps: { gpt2: { available: false } } } }),
  );
  await page.reload();
  await page.getByText('parallelopedia serve --wiki').waitFor();
  await page.keyboard.press('g');
  await page.getByText("The server's log says why").waitFor();
});

test('links stay in the page; back and forward lead through them', { skip }, async (t) => {
  const page = await open(t, '#/wiki/Architecture');
  await page.locator('.article a', { hasText: 'Event loop' }).first().click();
  await heading(page, 'Event loop').waitFor();
  assert.equal(await hashOf(page), '#/wiki/Event_loop');
  await page.goBack();
  await heading(page, 'Architecture').waitFor();
  await page.goForward();
  await heading(page, 'Event loop').waitFor();
});

test('back returns to where the reader was', { skip }, async (t) => {
  const page = await open(t, '#/wiki/Architecture');
  const link = page.locator('.article a', { hasText: 'Event loop' }).last();
  await link.scrollIntoViewIfNeeded();
  await page.evaluate(() => scrollBy(0, 200));
  await drawn(page);
  const y = await page.evaluate(() => scrollY);
  assert.ok(y > 0, 'the article is too short for this test');
  await link.click();
  await heading(page, 'Event loop').waitFor();
  await becomes(() => page.evaluate(() => scrollY), 0);
  await page.goBack();
  await settled(() => page.evaluate(() => scrollY), (now) => Math.abs(now - y) < 3);
});

test('a link to a section scrolls to it', { skip }, async (t) => {
  const page = await open(t, '#/wiki/Architecture');
  const entry = page.locator('.toc-side a').last();
  const name = await entry.textContent();
  await entry.click();
  const target = page.locator('.article').getByRole('heading', { name, exact: true });
  await settled(
    () => target.boundingBox(),
    (box) => box && box.y >= 0 && box.y + box.height <= 800,
  );
});

test('the same page as XML, and back', { skip }, async (t) => {
  const page = await open(t, '#/wiki/Architecture');
  await page.getByRole('link', { name: 'XML', exact: true }).click();
  const xml = page.locator('.xml');
  await xml.waitFor();
  const text = (await xml.textContent()).trim();
  assert.match(text, /^<page>[^]*<title>Architecture<\/title>[^]*<\/page>$/);
  assert.equal(await hashOf(page), '#/wiki/Architecture?view=xml');
  await page.getByRole('link', { name: 'Article', exact: true }).click();
  await page.locator('.article').waitFor();
});

test('a random article opens', { skip }, async (t) => {
  const page = await open(t, '');
  await page.getByRole('button', { name: 'Random article' }).first().click();
  await page.locator('.article-head h1').waitFor();
  assert.match(await hashOf(page), /^#\/wiki\/./);
});

test('a title that does not exist is said to be missing', { skip }, async (t) => {
  const page = await open(t, '#/wiki/No_such_page_anywhere', { errors: [404] });
  await heading(page, 'There is no page “No such page anywhere”').waitFor();
});

test('an article fits a phone of 360 px, in the dark', { skip }, async (t) => {
  const page = await open(t, '#/wiki/Architecture', { width: 360, scheme: 'dark' });
  await heading(page, 'Architecture').waitFor();
  await becomes(() => page.locator('html').getAttribute('data-bs-theme'), 'dark');
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.ok(Math.max(...background.match(/\d+/g).map(Number)) < 64, `${background} is not dark`);
  await assertNoSidewaysScroll(page);
  await searchBox(page).fill('the');
  await page.getByRole('option').first().waitFor();
  await assertNoSidewaysScroll(page);
});

test('the theme can be chosen and is remembered', { skip }, async (t) => {
  const page = await open(t, '');
  const theme = () => page.locator('html').getAttribute('data-bs-theme');
  await becomes(theme, 'light');
  await page.getByRole('button', { name: /^Theme: auto/ }).click();
  await page.getByRole('button', { name: /^Theme: light/ }).click();
  await becomes(theme, 'dark');
  await page.reload();
  await page.getByRole('button', { name: /^Theme: dark/ }).waitFor();
  await becomes(theme, 'dark');
});

// --- GPT-2 ------------------------------------------------------------------------------------

const promptBox = (page) => page.getByRole('textbox', { name: 'Prompt' });

async function startDefault(page) {
  await pressInto(page, 'd', promptBox(page));
  await page.keyboard.press('Enter');
}

const state = (page) => page.locator('.figures .state');
const isWriting = (page) => state(page).filter({ hasText: 'Writing' }).waitFor();
const isDone = (page) => state(page).filter({ hasText: /maximum length|ended its text/ }).waitFor();

// Each with a seed of its own, by which the relay's streams are told apart.
const LONG = (seed) => ({ pass: A_FEW, storage: { options: { max_length: '200', seed } } });
const seedOf = (url) => new URL(url, SERVER).searchParams.get('seed');
const streamsOf = (urls, seed) => urls.filter((url) => seedOf(url) === seed).length;

test('GPT-2 streams text with its true rate, and its seed repeats it', { skip }, async (t) => {
  const options = { max_length: '40', seed: '104' }; // one text in a hundred ends at once
  const page = await open(t, '#/gpt2', { pass: A_FEW, storage: { options } });
  const text = page.locator('.generated-text');
  await promptBox(page).fill('The event loop');
  await page.keyboard.press('Enter');
  await isWriting(page);
  relay.pass = Infinity;
  await isDone(page);
  assert.equal(await page.locator('.generated-prompt').textContent(), 'The event loop');
  const first = await text.textContent();
  assert.ok(first.length > 0);
  const figures = await page.locator('.figures').textContent();
  assert.match(figures, /[1-9]\d* tokens?[\d.,]+ tokens\/s/);
  await page.getByText('Response headers').click();
  assert.match(await page.locator('.headers').textContent(), /X-Seed\d+/);
  relay.pass = A_FEW;
  await page.getByRole('button', { name: 'Random seed next time' }).click();
  await page.getByRole('button', { name: 'Keep this seed' }).waitFor();
  await page.getByRole('button', { name: 'Again with this seed' }).click();
  await isWriting(page);
  relay.pass = Infinity;
  await isDone(page);
  assert.equal(await text.textContent(), first);
});

test('Stop ends the request and keeps what has come', { skip }, async (t) => {
  const page = await open(t, '#/gpt2', LONG('101'));
  await startDefault(page);
  await isWriting(page);
  await page.getByRole('button', { name: 'Stop' }).click();
  await state(page).filter({ hasText: 'Stopped' }).waitFor();
  await becomes(() => streamsOf(relay.hangUps, '101'), 1);
  const kept = await page.locator('.generated-text').textContent();
  assert.ok(kept.length > 0);
  await page.waitForTimeout(200); // time to do it wrong
  assert.equal(await page.locator('.generated-text').textContent(), kept);
});

test('a stream goes on behind the other tab and survives a reload', { skip }, async (t) => {
  const page = await open(t, '#/gpt2', LONG('102'));
  await startDefault(page);
  await isWriting(page);
  await page.getByRole('link', { name: 'Wiki' }).click();
  await searchBox(page).waitFor();
  relay.pass = Infinity;
  await becomes(() => streamsOf(relay.ended, '102'), 1);
  await page.getByRole('link', { name: 'GPT2' }).click();
  await isDone(page);
  const text = await page.locator('.generated').textContent();
  await page.reload();
  await becomes(() => page.locator('.generated').textContent(), text);
});

test('starting anew stops the first stream', { skip }, async (t) => {
  const page = await open(t, '#/gpt2', LONG('103'));
  await startDefault(page);
  await isWriting(page);
  await promptBox(page).fill('Another beginning');
  await page.keyboard.press('Enter');
  await page.locator('.generated-prompt', { hasText: 'Another beginning' }).waitFor();
  await becomes(() => streamsOf(relay.hangUps, '103'), 1);
  assert.ok(!relay.hangUps.at(-1).includes('Another'));
  await page.getByRole('button', { name: 'Stop' }).click();
  await becomes(() => streamsOf(relay.hangUps, '103'), 2);
});

test('what the server refuses is shown in its own words', { skip }, async (t) => {
  const page = await open(t, '#/gpt2', {
    storage: { options: { max_length: 'abc' } },
    errors: [400],
  });
  await startDefault(page);
  const alert = page.getByRole('alert');
  await alert.waitFor();
  assert.match(await alert.textContent(), /max_length/);
});

test('temperature, top p and stop reach the server', { skip }, async (t) => {
  const page = await open(t, '#/gpt2', { storage: { advanced: true } });
  await page.getByLabel('Temperature').fill('0');
  await page.getByLabel('Top p').fill('0.5');
  await page.getByLabel('Stop before').fill('.\\n');
  const asked = page.waitForRequest(/\/gpt2\/generate\//);
  await promptBox(page).fill('The event loop');
  await page.keyboard.press('Enter');
  const query = new URL((await asked).url()).searchParams;
  assert.equal(query.get('temperature'), '0');
  assert.equal(query.get('top_p'), '0.5');
  assert.equal(query.get('stop'), '.\n');
  await isDone(page);
  assert.ok(!(await page.locator('.generated-text').textContent()).includes('.\n'));
});

test('a model can be chosen when there are several', { skip: skipTwo }, async (t) => {
  const page = await open(t, '#/gpt2', { from: relayTwo, storage: { advanced: true } });
  await page.getByLabel('Model').selectOption('small');
  const asked = page.waitForRequest(/\/gpt2\/generate\//);
  await promptBox(page).fill('The event loop');
  await page.keyboard.press('Enter');
  assert.equal(new URL((await asked).url()).searchParams.get('model'), 'small');
  await isDone(page);
});

test('the GPT-2 tab fits a phone of 360 px', { skip }, async (t) => {
  const page = await open(t, '#/gpt2', { width: 360, storage: { advanced: true } });
  await page.getByLabel('Max length').waitFor();
  await assertNoSidewaysScroll(page);
});
