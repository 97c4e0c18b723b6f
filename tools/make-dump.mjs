// Turns the handbook's wikitext files into a MediaWiki export-0.11 dump.
//
//   node tools/make-dump.mjs DIR OUT.xml [--check]
//
// DIR/*.wiki holds one page each: a small header (title, and if need be redirect and model), an
// empty line, then the wikitext. DIR/redirects.txt holds one "From -> Target" per line.
// The result depends on the files' bytes alone: pages stand in file-name order, redirects behind
// them in their own order, and every page has the same timestamp. The dump is written beside
// OUT.xml and renamed, so that a killed run never leaves half a dump.
//
// --check also lists internal links and redirects whose target does not exist, and fails then.

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

const TIMESTAMP = "2026-11-20T12:00:00Z";
const TITLE_MAX_BYTES = 255; // MediaWiki's page_title column

const NAMESPACES = [
  [-2, "Media"],
  [-1, "Special"],
  [0, ""],
  [1, "Talk"],
  [2, "User"],
  [3, "User talk"],
  [4, "Parallelopedia"],
  [5, "Parallelopedia talk"],
  [6, "File"],
  [7, "File talk"],
  [8, "MediaWiki"],
  [9, "MediaWiki talk"],
  [10, "Template"],
  [11, "Template talk"],
  [12, "Help"],
  [13, "Help talk"],
  [14, "Category"],
  [15, "Category talk"],
  [828, "Module"],
  [829, "Module talk"],
];

// What the handbook links to on purpose although it is not there, to show what that looks like.
const MISSING = "A page that does not exist";

const FORMATS = {
  wikitext: "text/x-wiki",
  Scribunto: "text/plain",
  css: "text/css",
  javascript: "text/javascript",
  json: "application/json",
};

function fail(message) {
  console.error(`make-dump: ${message}`);
  process.exit(1);
}

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeXml = (s) => s.replace(/[&<>"]/g, (c) => escapes[c]);

// MediaWiki stores a revision's sha1 as 31 base-36 digits.
function sha1Base36(text) {
  const hex = createHash("sha1").update(text, "utf8").digest("hex");
  return BigInt(`0x${hex}`).toString(36).padStart(31, "0");
}

function namespaceOf(title) {
  const colon = title.indexOf(":");
  const prefix = title.slice(0, Math.max(colon, 0));
  const found = NAMESPACES.find(([key, name]) => key && name === prefix);
  return found ? found[0] : 0;
}

// What a link says -> the title it means: spaces, namespace and first letter as MediaWiki has them.
function canonicalTitle(text) {
  let t = text.replace(/_/g, " ").replace(/#.*$/s, "").replace(/\s+/g, " ").trim().normalize("NFC");
  t = t.replace(/^:\s*/, "");
  const colon = t.indexOf(":");
  const ns = NAMESPACES.find(
    ([key, name]) => key && name.toLowerCase() === t.slice(0, Math.max(colon, 0)).toLowerCase(),
  );
  const rest = ns ? t.slice(colon + 1).trim() : t;
  const upper = rest.slice(0, 1).toUpperCase() + rest.slice(1);
  return ns ? `${ns[1]}:${upper}` : upper;
}

function checkTitle(title, where) {
  if (!title) fail(`${where}: no title`);
  if (Buffer.byteLength(title) > TITLE_MAX_BYTES) fail(`${where}: title over 255 bytes: ${title}`);
  if (/[#<>[\]{}|\x00-\x1f\x7f]/.test(title)) fail(`${where}: character not allowed: ${title}`);
  if (canonicalTitle(title) !== title) {
    fail(`${where}: title is not canonical: "${title}", write "${canonicalTitle(title)}"`);
  }
}

function readPage(file) {
  const source = fs.readFileSync(file, "utf8").replace(/\r\n/g, "\n");
  const end = source.indexOf("\n\n");
  if (end < 0) fail(`${file}: no empty line after the header`);
  const page = { where: file, model: "wikitext", text: source.slice(end + 2).trimEnd() };
  for (const line of source.slice(0, end).split("\n")) {
    const m = /^(title|redirect|model): *(.*\S)/.exec(line);
    if (!m) fail(`${file}: header line not understood: "${line}"`);
    page[m[1]] = m[2];
  }
  if (!(page.model in FORMATS)) fail(`${file}: unknown model "${page.model}"`);
  if (page.redirect && !page.text) page.text = `#REDIRECT [[${page.redirect}]]`;
  return page;
}

function readRedirects(file) {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line, i) => {
    if (!line.trim() || line.startsWith("#")) return [];
    const where = `${file}:${i + 1}`;
    const m = /^(.*\S) +-> +(.*\S)\s*$/.exec(line);
    if (!m) fail(`${where}: expected "From -> Target", found "${line}"`);
    const [, title, target] = m;
    const text = `#REDIRECT [[${target}]]`;
    return [{ where, title, redirect: target.replace(/#.*/, ""), model: "wikitext", text }];
  });
}

function readPages(dir) {
  const names = fs.readdirSync(dir).filter((n) => n.endsWith(".wiki"));
  names.sort(); // by UTF-16 code unit: the same everywhere, whatever the locale
  if (!names.length) fail(`${dir}: no .wiki files`);
  const pages = names.map((n) => readPage(path.join(dir, n)));
  pages.push(...readRedirects(path.join(dir, "redirects.txt")));
  const seen = new Map();
  for (const p of pages) {
    checkTitle(p.title, p.where);
    if (seen.has(p.title)) fail(`${p.where}: "${p.title}" is also in ${seen.get(p.title)}`);
    seen.set(p.title, p.where);
  }
  return pages;
}

function brokenLinks(pages) {
  const titles = new Set([MISSING, ...pages.map((p) => p.title)]);
  const broken = [];
  for (const p of pages) {
    if (p.redirect && !titles.has(p.redirect)) {
      broken.push(`${p.where}: redirect to "${p.redirect}"`);
    }
    if (p.model !== "wikitext") continue;
    const text = p.text.replace(/<(nowiki|pre)>.*?<\/\1>/gs, "");
    for (const [, target] of text.matchAll(/\[\[([^|[\]]+)(?:\|[^[\]]*)?\]\]/g)) {
      if (target.startsWith("#")) continue;
      if (!titles.has(canonicalTitle(target))) broken.push(`${p.where}: link to "${target}"`);
    }
  }
  return broken;
}

function siteinfo() {
  const ns = NAMESPACES.map(([key, name]) =>
    name
      ? `      <namespace key="${key}" case="first-letter">${name}</namespace>\n`
      : `      <namespace key="${key}" case="first-letter" />\n`,
  );
  return (
    "  <siteinfo>\n" +
    "    <sitename>Parallelopedia</sitename>\n" +
    "    <dbname>handbook</dbname>\n" +
    "    <base>http://127.0.0.1:4444/wiki/wiki/Main_Page</base>\n" +
    "    <generator>Parallelopedia tools/make-dump.mjs</generator>\n" +
    "    <case>first-letter</case>\n" +
    `    <namespaces>\n${ns.join("")}    </namespaces>\n` +
    "  </siteinfo>\n"
  );
}

function pageXml(page, id) {
  const sha1 = sha1Base36(page.text);
  const attrs = `bytes="${Buffer.byteLength(page.text)}" sha1="${sha1}"`;
  const text = page.text
    ? `<text ${attrs} xml:space="preserve">${escapeXml(page.text)}</text>`
    : `<text ${attrs} />`;
  return (
    "  <page>\n" +
    `    <title>${escapeXml(page.title)}</title>\n` +
    `    <ns>${namespaceOf(page.title)}</ns>\n` +
    `    <id>${id}</id>\n` +
    (page.redirect ? `    <redirect title="${escapeXml(page.redirect)}" />\n` : "") +
    "    <revision>\n" +
    `      <id>${id}</id>\n` +
    `      <timestamp>${TIMESTAMP}</timestamp>\n` +
    "      <contributor>\n" +
    "        <username>Parallelopedia</username>\n" +
    "        <id>1</id>\n" +
    "      </contributor>\n" +
    `      <origin>${id}</origin>\n` +
    `      <model>${page.model}</model>\n` +
    `      <format>${FORMATS[page.model]}</format>\n` +
    `      ${text}\n` +
    `      <sha1>${sha1}</sha1>\n` +
    "    </revision>\n" +
    "  </page>\n"
  );
}

function dumpXml(pages) {
  const xmlns = "http://www.mediawiki.org/xml/export-0.11/";
  return (
    `<mediawiki xmlns="${xmlns}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ` +
    `xsi:schemaLocation="${xmlns} http://www.mediawiki.org/xml/export-0.11.xsd" ` +
    'version="0.11" xml:lang="en">\n' +
    siteinfo() +
    pages.map((p, i) => pageXml(p, i + 1)).join("") +
    "</mediawiki>\n"
  );
}

function writeAtomically(file, data) {
  const tmp = `${file}.tmp.${process.pid}`;
  try {
    const fd = fs.openSync(tmp, "w");
    fs.writeFileSync(fd, data);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    fs.renameSync(tmp, file);
  } catch (e) {
    fs.rmSync(tmp, { force: true });
    throw e;
  }
}

function main(argv) {
  const args = argv.filter((a) => a !== "--check");
  if (args.length !== 2) fail("usage: make-dump.mjs DIR OUT.xml [--check]");
  const pages = readPages(args[0]);
  if (args.length < argv.length) {
    const broken = brokenLinks(pages);
    if (broken.length) fail(`${broken.length} broken links:\n  ${broken.join("\n  ")}`);
  }
  writeAtomically(args[1], dumpXml(pages));
}

try {
  main(process.argv.slice(2));
} catch (e) {
  fail(e.message); // the system's own: it names the call and the path
}
