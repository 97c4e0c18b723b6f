// The handbook as one row of GPT-2 token ids, for train.py.
//
//   node demo/train/encode.mjs demo/handbook OUT.json
//
// Markup is taken off so that the model learns prose: links become their text, tables become lines,
// code blocks, templates and categories go. Each article is its title, an empty line and its text;
// articles are separated by the end-of-text id. OUT.json is [{title, ids}, ...].

import * as fs from "node:fs";
import * as path from "node:path";
import { encode } from "./tokens.mjs";

const entities = { lt: "<", gt: ">", amp: "&", quot: '"', nbsp: " " };

function tableLine(line) {
  const cells = line.slice(1).split(/\|\||!!/).map((c) => c.trim());
  return cells.filter(Boolean).join(": ");
}

function plainText(wikitext) {
  let t = wikitext;
  t = t.replace(/<pre>.*?<\/pre>\n*/gs, "").replace(/<!--.*?-->/gs, "");
  t = t.replace(/<ref>.*?<\/ref>/gs, "");
  const kept = []; // what stands in nowiki is text, whatever it looks like
  t = t.replace(/<nowiki>(.*?)<\/nowiki>/gs, (_, s) => `\x01${kept.push(s) - 1}\x02`);
  for (let last = ""; last !== t; ) {
    last = t;
    t = t.replace(/\{\{[^{}]*\}\}\n?/g, "");
  }
  t = t.replace(/\[\[Category:[^\]]*\]\]\n?/g, "");
  t = t.replace(/\[\[:?([^\]|]*)\]\]/g, "$1").replace(/\[\[[^\]|]*\|([^\]]*)\]\]/g, "$1");
  t = t.replace(/\[https?:\S+ ([^\]]*)\]/g, "$1");
  t = t.replace(/<[^<>]*>/g, "").replace(/'{2,}/g, "");
  const lines = t.split("\n").flatMap((line) => {
    if (/^(\{\||\|\}|\|-|\|\+)/.test(line)) return [];
    if (/^!/.test(line)) return [];
    if (/^\|/.test(line)) return [tableLine(line)];
    const heading = /^=+ *(.*?) *=+$/.exec(line);
    return [heading ? heading[1] : line.replace(/^[*#:;]+ */, "")];
  });
  t = lines.join("\n").replace(/\x01(\d+)\x02/g, (_, i) => kept[i]);
  t = t.replace(/&(\w+);/g, (m, name) => entities[name] ?? m);
  return t.replace(/\n{3,}/g, "\n\n").trim();
}

const [dir, out] = process.argv.slice(2);
const articles = [];
for (const name of fs.readdirSync(dir).sort()) {
  if (!name.endsWith(".wiki")) continue;
  const source = fs.readFileSync(path.join(dir, name), "utf8");
  const title = /^title: *(.*\S)/m.exec(source)[1];
  if (/^(Template|Category|Module):/.test(title)) continue;
  const text = plainText(source.slice(source.indexOf("\n\n") + 2));
  articles.push({ title, ids: encode(`${title}\n\n${text}\n`) });
}
fs.writeFileSync(out, JSON.stringify(articles));
const n = articles.reduce((sum, a) => sum + a.ids.length + 1, 0);
console.log(`${articles.length} articles, ${n} tokens`);
