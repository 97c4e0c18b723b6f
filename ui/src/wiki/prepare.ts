// wiki/prepare.ts -- makes a server's article fragment ready for the page.
//
// Links become hash routes, so that the browser itself handles clicks, new tabs and history. What
// could run is removed although the server has done so already and the CSP forbids it: a page that
// shows other people's text keeps its own lock.
import { wikiHash, type WikiHash } from '../route';

export interface Heading {
  href: string;
  text: string;
  level: number; // 2 or 3
}

export interface Prepared {
  html: string;
  headings: Heading[];
}

const FORBIDDEN =
  'script, style, link, meta, base, title, iframe, frame, object, embed, applet, form, input, ' +
  'button, select, textarea, template, noscript, svg, math';

const ARTICLE = /^\/(?:wiki|w\/([^/?#]+))\/wiki\/([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

// `here` is the address of a fragment of this very page.
export function prepare(fragment: string, here: (id: string) => string): Prepared {
  const doc = new DOMParser().parseFromString(fragment, 'text/html');
  const root = doc.body;
  root.querySelectorAll(FORBIDDEN).forEach((e) => e.remove());
  root.querySelectorAll('*').forEach(disarm);
  root.querySelectorAll('a[href]').forEach((a) => rewriteLink(a, here));
  tidyArguments(root);
  arrangeBoxes(root);
  root.querySelectorAll('table').forEach((t) => wrapTable(doc, t));
  return { html: root.innerHTML, headings: headingsOf(root, here) };
}

function disarm(e: Element): void {
  for (const { name, value } of [...e.attributes]) {
    const isCode = name.startsWith('on') || name === 'srcdoc' || name === 'formaction';
    const isAddress = name === 'href' || name === 'src' || name === 'xlink:href';
    if (isCode || (isAddress && !/^(https?:|mailto:|\/|#)/i.test(value.trim())))
      e.removeAttribute(name);
  }
}

function rewriteLink(a: Element, here: (id: string) => string): void {
  const href = a.getAttribute('href') ?? '';
  const article = ARTICLE.exec(href);
  if (article) {
    const options: WikiHash = { fragment: decode(article[4] ?? '') };
    if (/(^|&)redirect=no(&|$)/.test(article[3] ?? '')) options.followRedirects = false;
    const at = decode(article[1] ?? ''); // another wiki of this server, or the first
    a.setAttribute('href', wikiHash(at, decode(article[2] ?? ''), options));
  } else if (href.startsWith('#')) {
    a.setAttribute('href', here(decode(href.slice(1))));
  } else if (/^(https?:)?\/\//i.test(href)) {
    a.setAttribute('target', '_blank');
    a.setAttribute('rel', 'noopener noreferrer');
    a.classList.add('external');
  }
}

function decode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s;
  }
}

// Arguments of a folded template: names can be read and wrapped, and those without a value go.
function tidyArguments(root: Element): void {
  for (const row of root.querySelectorAll('details.template > table > tbody > tr')) {
    const name = row.querySelector('th');
    const value = row.querySelector('td');
    if (!value?.textContent?.trim()) row.remove();
    else if (name) name.textContent = name.textContent?.replaceAll('_', ' ') ?? '';
  }
  root.querySelectorAll('details.template:not(:has(tr))').forEach((box) => box.remove());
}

// Folded templates above the first heading are what MediaWiki shows at the side (infoboxes). The
// first is opened where there is room beside the text.
function arrangeBoxes(root: Element): void {
  const heading = root.querySelector('h2');
  const boxes = [...root.querySelectorAll<HTMLDetailsElement>('details.template')].filter(
    (box) => !heading || box.compareDocumentPosition(heading) & Node.DOCUMENT_POSITION_FOLLOWING,
  );
  boxes.forEach((box) => box.classList.add('is-aside'));
  if (boxes[0] && matchMedia('(min-width: 48rem)').matches) boxes[0].open = true;
}

// Wide tables scroll in their own box, never the page. A table at one side takes its box there.
function wrapTable(doc: Document, table: HTMLTableElement): void {
  if (table.parentElement?.closest('table')) return;
  const box = doc.createElement('div');
  box.className = 'table-scroll';
  const side = table.style.float || table.align;
  if (side === 'left' || side === 'right') {
    box.classList.add(`is-${side}`);
    table.style.float = '';
    table.align = '';
  }
  table.replaceWith(box);
  box.append(table);
}

function headingsOf(root: Element, here: (id: string) => string): Heading[] {
  return [...root.querySelectorAll('h2[id], h3[id]')].map((h) => ({
    href: here(h.id),
    text: h.textContent?.trim() ?? '',
    level: h.tagName === 'H2' ? 2 : 3,
  }));
}
