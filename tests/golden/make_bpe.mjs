// make_bpe.mjs -- what tiktoken's "gpt2" makes of tricky text: the truth for tests/text/test_bpe.c.
//
//   node tests/golden/make_bpe.mjs > tests/golden/bpe_gpt2.txt        the committed file
//   node tests/golden/make_bpe.mjs random 20000 7 > /tmp/random.txt   then, for any such file:
//   BPE_GOLDEN=/tmp/random.txt build/dev/tests/text/test_bpe
//   node tests/golden/make_bpe.mjs unicode > /tmp/unicode.txt         every assigned character
//   node tests/golden/make_bpe.mjs real 20000 7 FILE... > /tmp/real.txt  cuttings of texts (also .bz2)
//
// A line is the text's bytes in hex, then the ids in decimal, separated by spaces.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const need = createRequire(new URL("../../ui/package.json", import.meta.url));
const { Tiktoken } = need("tiktoken/lite");
const { bpe_ranks, special_tokens, pat_str } = need("tiktoken/encoders/gpt2.json");
const tiktoken = new Tiktoken(bpe_ranks, special_tokens, pat_str);

const line = (text) =>
  [Buffer.from(text, "utf8").toString("hex") || "-", ...tiktoken.encode_ordinary(text)].join(" ");

// mulberry32: the same texts everywhere.
function random(seed) {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const spaces = " \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2003\u200a\u2028\u2029\u202f\u205f\u3000";
const notSpaces = "\u180e\u200b\u200c\u200d\u2060\ufeff\u001c\u001f\u0000\u007f";
const samples = [
  "", "a", " ", "  ", "   a", "a   ", "\n", "\n\n", " \n ", "\t\tword", "\r\n\r\nword", "a \n b",
  "Hello, world!", "The quick brown fox jumps over the lazy dog.", "<|endoftext|>",
  "text <|endoftext|> text", "<|endoftext|><|endoftext|>", "<|fim_prefix|>",
  "I'm you're he's she'd they'll we've it't", "I'M YOU'RE HE'S SHE'D THEY'LL WE'VE", "'s't're've'm'll'd",
  " 's 't 're", "''s", "!'s", "'", "''", "' s", "'l", "'r", "'v", "'lL", "don’t can’t I’ve",
  "123", "1 2 3", "3.14159", "1,000,000", " 42", "0x1F", "٣٤٥", "१२३", "Ⅷ ⅷ", "½ ¾", "²³", "①②", "1st 2nd",
  "a1b2c3", "snake_case camelCase kebab-case", "foo(bar)[baz]{qux}", "a+b=c", "x**2 // y", "#!/bin/sh -e",
  "https://en.wikipedia.org/wiki/Free_software?action=edit&section=2", "user@example.org", "C:\\Windows\\",
  "== History ==\n\n* '''bold''' and ''italic''\n* [[Link|text]]\n{{Infobox|a=b}}\n",
  "<ref name=\"x\">{{cite web|url=http://a.b/}}</ref>", "&lt;&amp;&nbsp;", "\u00e9t\u00e9 e\u0301te\u0301", "naïve façade Ærøskøbing",
  "Привет, мир!", "Αθήνα", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "你好，世界", "こんにちは世界",
  "カタカナ ｶﾀｶﾅ", "안녕하세요 세계", "ჰელო", "Հայերեն", "አማርኛ", "ខ្មែរ", "မြန်မာ", "བོད", "Tiếng Việt", "𐍈𐌰𐌹", "𝒜𝓑𝟙𝟚", "😀", "👍🏽",
  "👨‍👩‍👧‍👦", "🇩🇪🇫🇷", "a😀b 😀 😀😀", "☃ ✓ → ∑ √ ∞", "€ £ ¥ ₿", "… — – “q” ‘q’", "\ufffd", " \ufffd", "\u{10ffff}", "\u{e000}",
  "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a", "\u0301", " \u0301a", "a\u200db", "\u202egnirts",
  "ǅ ʰ ª º", "ﬁ ﬂ", "ß ẞ ſ K", "İ ı", "\u3007 \u3021", "\u{1f100} \u{1f51f}", "\u{1e950}", "\u{31350} \u{2ebf0}",
  "a".repeat(63), "a".repeat(64), "a".repeat(65), "a".repeat(129), "ab".repeat(400), " ".repeat(3), " ".repeat(100), "\n".repeat(77),
  "-".repeat(300), "=".repeat(65), "é".repeat(90), "的".repeat(100), "😀".repeat(40), "0".repeat(200), "aA".repeat(70), "x ".repeat(50),
  " " + "q".repeat(100), "abcdefghijklmnopqrstuvwxyz".repeat(8), "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
  "supercalifragilisticexpialidocious", "Pneumonoultramicroscopicsilicovolcanoconiosis", "\u200b".repeat(70), "!?".repeat(60), "\u0e01\u0e33".repeat(30),
];
for (const s of spaces) samples.push(s, `a${s}b`, `a${s}${s}b`, ` ${s}b`, `${s} b`, `a${s}`, `1${s}!`);
for (const s of notSpaces) samples.push(s, `a${s}b`, ` ${s}`, `${s} x`, `${s}${s}`);
for (let c = 0; c < 0x20; c++) samples.push(`x${String.fromCharCode(c)}y ${String.fromCharCode(c)}`);

const alphabets = [
  [..."abcdefghijklmnopqrstuvwxyz"], [..."etaoin srhldcu"], [..."ABCxyz 019.,'!?-\n"], [..." \n\t'sdtrevml"], [...spaces + notSpaces + "a1!"],
  [..."äöüßéèçñøåœ ÆŁžč"], [..."абвгдежзийклмн оп"], [..."的一是不了人我在有他这 。，"], [..."กขคงจฉชซ\u0e31\u0e34\u0e48 "], [..."😀👍🏽❤️👨‍👩🇩 "],
  [..."ابتثجحخد ذر\u064b\u0651"], [..."٠١٢٣१२३½²Ⅷ0 9a."], [..."=[]{}|'*#<>/\"& \n"], [..."e\u0301\u0308\u0327 aZ"],
];
function randomText(r) {
  let s = "";
  for (let parts = 1 + r(5); parts > 0; parts--) {
    const from = alphabets[r(alphabets.length)];
    const any = r(12) === 0; // now and then any code point but a surrogate
    for (let n = r(r(10) ? 14 : 150); n > 0; n--) {
      const cp = r(0x110000);
      s += any ? String.fromCodePoint(cp >= 0xd800 && cp < 0xe000 ? 0x20 : cp) : from[r(from.length)];
    }
  }
  return s;
}

function read(path) {
  if (!path.endsWith(".bz2")) return readFileSync(path, "utf8");
  const unpack = "import bz2,sys; sys.stdout.buffer.write(bz2.open(sys.argv[1]).read(24 << 20))";
  return execFileSync("python3", ["-c", unpack, path], { maxBuffer: 1 << 26 }).toString("utf8");
}

// A cutting from anywhere in one of the texts, short ones more often; no half of a surrogate pair.
function cutting(r, texts) {
  const text = texts[r(texts.length)];
  const at = r(text.length);
  return text.slice(at, at + 1 + r(r(8) ? 200 : 4000)).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "");
}

const [mode, count, seed, ...files] = process.argv.slice(2);
const out = [];
if (mode === "random") {
  const r = random(Number(seed));
  for (let i = 0; i < Number(count); i++) out.push(line(randomText(r)));
} else if (mode === "real") {
  const r = random(Number(seed));
  const texts = files.map(read);
  for (let i = 0; i < Number(count); i++) out.push(line(cutting(r, texts)));
} else if (mode === "unicode") {
  for (let cp = 0; cp < 0x110000; cp++) {
    if (cp >= 0xd800 && cp < 0xe000) continue;
    const c = String.fromCodePoint(cp);
    out.push(line(`a${c}a 1${c}1 !${c}! ${c}${c} \n${c}s '${c}`));
  }
} else {
  const r = random(1);
  for (const s of samples) out.push(line(s));
  for (let i = 0; i < 120; i++) out.push(line(randomText(r)));
}
process.stdout.write(out.join("\n") + "\n");
