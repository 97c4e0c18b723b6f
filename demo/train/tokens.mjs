// GPT-2's encoding from the npm package tiktoken, which ui/ installs.
//
// As a program: reads a JSON array; strings become arrays of ids and arrays of ids become strings.

import * as fs from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../../ui/package.json", import.meta.url));
const { Tiktoken } = require("tiktoken/lite");
const gpt2 = require("tiktoken/encoders/gpt2.json");
const encoder = new Tiktoken(gpt2.bpe_ranks, gpt2.special_tokens, gpt2.pat_str);

export const encode = (text) => Array.from(encoder.encode_ordinary(text));
export const decode = (ids) => new TextDecoder().decode(encoder.decode(Uint32Array.from(ids)));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const items = JSON.parse(fs.readFileSync(0, "utf8"));
  console.log(JSON.stringify(items.map((x) => (typeof x === "string" ? encode(x) : decode(x)))));
}
