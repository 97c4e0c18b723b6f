// make-vocab IN.json OUT.bin -- tiktoken's encoder file as the compact table of src/text/bpe.c.
//
// bpe_ranks holds groups "! FIRST-RANK base64 base64 ..."; a special token gets an empty entry, so
// that ids stay positions.
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

const bytes = Buffer.concat(tokens);
const body = Buffer.concat([Buffer.from(tokens.map((t) => t.length)), bytes]);
let sum = 0xcbf29ce484222325n; // FNV-1a, 64 bits
for (const b of body) sum = ((sum ^ BigInt(b)) * 0x100000001b3n) & 0xffffffffffffffffn;

const head = Buffer.alloc(24);
head.write("bpe-tab1", 0, "latin1");
head.writeUInt32LE(count, 8);
head.writeUInt32LE(bytes.length, 12);
head.writeBigUInt64LE(sum, 16);
writeFileSync(`${to}.tmp`, Buffer.concat([head, body]));
renameSync(`${to}.tmp`, to);
