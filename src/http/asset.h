// http/asset.h -- the web page's files, embedded in the program.
//
// tools/make-assets.mjs writes the table (build/gen/ui_assets.c) from the page's build. Bytes are
// there as they are and, where that is smaller, as gzip; whoever serves them picks by
// Accept-Encoding and sends Vary.
//
//   Owner     nobody: read-only data of the program, valid for ever
//   Threads   constant; any
//   Limits    a few dozen rows, sorted by path: a linear or binary search will do
#ifndef HTTP_ASSET_H
#define HTTP_ASSET_H

#include "base/str.h"

typedef struct http_asset {
    str path;           // "/index.html", "/assets/index-Dk2x9a.js"; ASCII, needs no encoding
    str type;           // Content-Type, with charset where it is text
    str etag;           // quotes included; of the identity bytes (weak comparison across codings)
    bool is_immutable;  // the name holds a hash of the content: may be cached for a year
    str identity;
    str gzip;  // len 0 when gzip would not be smaller
} http_asset;

extern const http_asset http_assets[];
extern const size_t http_n_assets;

#endif
