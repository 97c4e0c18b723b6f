// make-vocab IN.json OUT.bin -- tiktoken's encoder file as the compact table of src/text/bpe.c.
//
// bpe_ranks holds groups "! FIRST-RANK base64 base64 ..."; a special token gets an empty entry, so
// that ids stay positions. How long the first of a token's two parts is was lost with the merges; it
// is what the merges of lower rank leave of the token's bytes.
import { readFileSync, renameSync, writeFileSync } from "node:fs";

const [from, to] = process.argv.slice(2);
const { bpe_ranks, special_tokens, explicit_n_vocab } = JSON.parse(readFileSync(from, "utf8"));

const tokens = [];
for (const line of bpe_ranks.split("\n")) {
  const [, first, ...group] = line.split(" ");
  group.forEach((text, i) => (tokens[Number(first) + i] = Buffer.from(text, "base64")));
}
for (const id of Object.values(special_tokens)) tokens[id] = Buffer.alloc(0);
const count = tokens.length;
if (count !== explicit_n_vocab || Object.keys(tokens).length !== count)
  throw new Error(`${from}: ${count} tokens with gaps, expected ${explicit_n_vocab}`);
if (tokens.some((t) => t.length > 255)) throw new Error(`${from}: a token over 255 bytes`);

const rank = new Map(tokens.map((t, id) => [t.toString("latin1"), id]));
function leftLength(token, id) {
  const parts = [...token.toString("latin1")];
  while (parts.length > 2) {
    let best = -1, least = id;
    for (let i = 0; i + 1 < parts.length; i++) {
      const r = rank.get(parts[i] + parts[i + 1]);
      if (r < least) (least = r), (best = i);
    }
    if (best < 0) throw new Error(`${from}: token ${id} is not made of two lower ones`);
    parts.splice(best, 2, parts[best] + parts[best + 1]);
  }
  return parts.length === 2 ? parts[0].length : 0;
}

const bytes = Buffer.concat(tokens);
const body = Buffer.concat([
  Buffer.from(tokens.map((t) => t.length)), Buffer.from(tokens.map(leftLength)), bytes,
]);
let sum = 0xcbf29ce484222325n; // FNV-1a, 64 bits
for (const b of body) sum = ((sum ^ BigInt(b)) * 0x100000001b3n) & 0xffffffffffffffffn;

const head = Buffer.alloc(24);
head.write("bpe-tab2", 0, "latin1");
head.writeUInt32LE(count, 8);
head.writeUInt32LE(bytes.length, 12);
head.writeBigUInt64LE(sum, 16);
writeFileSync(`${to}.tmp`, Buffer.concat([head, body]));
renameSync(`${to}.tmp`, to);
