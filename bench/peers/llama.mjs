// The llama.cpp peer of bench/lm: the prebuilt one of the npm package node-llama-cpp.
//
//   node llama.mjs MODEL.gguf THREADS STREAMS,... PREFILL TOKENS
//
// Prints a line of JSON: tokens per second of decoding for each number of streams together, of
// reading a prompt, the milliseconds to the first token of a prompt of ten, and resident memory.

import { readFileSync } from "node:fs";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const [file, threads, streams, prefill, tokens] = process.argv.slice(2);
const counts = streams.split(",").map(Number);
const llama = await getLlama({
  gpu: false,
  build: "never",
  skipDownload: true,
  maxThreads: Number(threads),
  logLevel: LlamaLogLevel.error,
});
const model = await llama.loadModel({ modelPath: file });

const now = () => performance.now() / 1000;
const prompt = (n, salt) => Array.from({ length: n }, (_, i) => 300 + ((salt * 977 + i * 31) % 49000));

// Each stream reads `n` tokens of a prompt, then makes `make` more; the clock starts when all have
// their first.
async function decode(n, make) {
  const context = await model.createContext({
    contextSize: 256,
    sequences: n,
    batchSize: 512,
    threads: Number(threads),
  });
  let begun = 0;
  let start = 0;
  let total = 0;
  await Promise.all(
    Array.from({ length: n }, async (_, i) => {
      let made = 0;
      for await (const _id of context.getSequence().evaluate(prompt(8, i), { temperature: 0 })) {
        if (++made === 1 && ++begun === n) start = now();
        else if (begun === n) total++;
        if (made === make) break;
      }
    }),
  );
  const rate = total / (now() - start);
  await context.dispose();
  return rate;
}

async function read(n) {
  const context = await model.createContext({
    contextSize: 1024,
    batchSize: 512,
    threads: Number(threads),
  });
  const sequence = context.getSequence();
  await sequence.evaluateWithoutGeneratingNewTokens(prompt(n, 1));
  await sequence.clearHistory();
  const start = now();
  await sequence.evaluateWithoutGeneratingNewTokens(prompt(n, 2));
  const seconds = now() - start;
  await sequence.clearHistory();
  const first = now();
  for await (const _id of sequence.evaluate(prompt(10, 3), { temperature: 0 })) break;
  const result = [n / seconds, (now() - first) * 1000];
  await context.dispose();
  return result;
}

const out = { decode: {} };
for (const n of counts) out.decode[n] = await decode(n, Number(tokens));
[out.prefill, out.first_ms] = await read(Number(prefill));
out.rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
console.log(JSON.stringify(out));
process.exit(0);
