// make-assets.mjs DIR OUT.c -- a C file that embeds every file of the page's build.
//
// The bytes come in by .incbin: a C array of 500 KB of numbers would cost seconds of compiling.
// Compressed copies lie in ui_gz/ beside OUT.c. The same files give the same output, byte for byte.
// The contract of the table is src/http/asset.h.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};

function fail(message) {
  console.error(`make-assets: ${message}`);
  process.exit(1);
}

const [dir, out] = process.argv.slice(2);
if (!out) fail('usage: make-assets.mjs DIR OUT.c');

const files = readdirSync(dir, { recursive: true })
  .map((name) => String(name).replaceAll('\\', '/'))
  .filter((name) => statSync(join(dir, name)).isFile())
  .sort();
if (!files.includes('index.html')) fail(`${dir} holds no index.html: build the page first`);

const gzDir = join(dirname(out), 'ui_gz');
rmSync(gzDir, { recursive: true, force: true });
mkdirSync(gzDir, { recursive: true });

const incbin = (symbol, file) =>
  `__asm__(".pushsection .rodata\\n"\n` +
  `        ".balign 16\\n"\n` +
  `        ".hidden ${symbol}\\n"\n` +
  `        ".globl ${symbol}\\n"\n` +
  `        "${symbol}:\\n"\n` +
  `        ".incbin \\"${file}\\"\\n"\n` +
  `        ".popsection\\n");\n` +
  `extern const char ${symbol}[];\n`;

const blobs = [];
const rows = [];
files.forEach((name, i) => {
  if (!/^[\w./-]+$/.test(name)) fail(`${name}: only letters, digits and ._-/ in file names`);
  const type = TYPES[extname(name)] ?? fail(`${name}: no content type for ${extname(name)}`);
  const file = join(dir, name);
  const bytes = readFileSync(file);
  const zipped = gzipSync(bytes, { level: 9 });
  const etag = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const identity = `ui_asset_${i}`;
  if (bytes.length) blobs.push(incbin(identity, file));
  let gzip = '{0}';
  if (zipped.length < bytes.length) {
    const copy = join(gzDir, `${i}.gz`);
    writeFileSync(copy, zipped);
    blobs.push(incbin(`${identity}_gz`, copy));
    gzip = `{${identity}_gz, ${zipped.length}}`;
  }
  rows.push(
    `    {STR_INIT("/${name}"), STR_INIT("${type}"), STR_INIT("W/\\"${etag}\\""), ` +
      `${name.startsWith('assets/')},\n     ` +
      `${bytes.length ? `{${identity}, ${bytes.length}}` : '{0}'}, ${gzip}},\n`,
  );
});

writeFileSync(
  out,
  `// Written by tools/make-assets.mjs from the page's build. Do not edit.\n` +
    `#include "http/asset.h"\n\n${blobs.join('')}\n` +
    `const http_asset http_assets[] = {\n${rows.join('')}};\n` +
    `const size_t http_n_assets = sizeof(http_assets) / sizeof(http_assets[0]);\n`,
);
