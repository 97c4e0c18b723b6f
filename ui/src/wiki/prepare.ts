// wiki/prepare.ts -- makes a server's article fragment ready for the page.
//
// Links become hash routes, so that the browser itself handles clicks, new tabs and history. What
// could run is removed although the server has done so already and the CSP forbids it: a page that
// shows other people's text keeps its own lock.
import { wikiHash, type WikiHash } from '../route';

export interface Heading {
  href: string;
  text: string;
  level: number; // 2 to 4
}

export interface Prepared {
  html: string;
  headings: Heading[];
  dir: 'ltr' | 'rtl';
}

// A template's style sheet stays: the server has put each of its rules inside the article.
const FORBIDDEN =
  'script, style:not([data-mw-deduplicate]), link, meta, base, title, iframe, frame, object, ' +
  'embed, applet, form, input, button, select, textarea, template, noscript, svg';

// Contents as the server writes them: ours stand beside the text.
const CONTENTS = '.toc:has(> .toctogglecheckbox)';

const ARTICLE = /^\/(?:wiki|w\/([^/?#]+))\/wiki\/([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

// `here` is the address of a fragment of this very page.
export function prepare(fragment: string, here: (id: string) => string): Prepared {
  const doc = new DOMParser().parseFromString(fragment, 'text/html');
  const root = doc.body;
  root.querySelectorAll(CONTENTS).forEach((e) => e.remove());
  root.querySelectorAll(FORBIDDEN).forEach((e) => e.remove());
  root.querySelectorAll('*').forEach(disarm);
  root.querySelectorAll('a[href]').forEach((a) => rewriteLink(a, here));
  return { html: root.innerHTML, headings: headingsOf(root, here), dir: directionOf(root) };
}

const ADDRESSES = new Set(['href', 'src', 'xlink:href', 'srcset', 'poster', 'background']);

function disarm(e: Element): void {
  for (const { name, value } of [...e.attributes]) {
    const isCode = name.startsWith('on') || name === 'srcdoc' || name === 'formaction';
    const isAddress = ADDRESSES.has(name);
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
  } else if (!href.startsWith('/#')) {
    a.setAttribute('target', '_blank'); // a picture: the page stays where it is
  }
}

function decode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s;
  }
}

function headingsOf(root: Element, here: (id: string) => string): Heading[] {
  return [...root.querySelectorAll('h2[id], h3[id], h4[id]')].map((h) => {
    const words = h.cloneNode(true) as Element;
    words.querySelectorAll('.reference').forEach((note) => note.remove());
    return {
      href: here(h.id),
      text: words.textContent?.trim() ?? '',
      level: Number(h.tagName.slice(1)),
    };
  });
}

// By most of its letters, not by the first one: an infobox may begin with a name of a file.
function directionOf(root: Element): 'ltr' | 'rtl' {
  const text = root.textContent?.slice(0, 20_000) ?? '';
  const rtl = text.match(/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/g)?.length ?? 0;
  const ltr = text.match(/(?![\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff])\p{L}/gu)?.length ?? 0;
  return rtl > ltr ? 'rtl' : 'ltr';
}
