// http/chunk.h -- incremental, strict decoder of a chunked request body (RFC 9112 section 7.1).
//
//   Owner     nothing; decoded bytes go to the caller's buf
//   Threads   one thread at a time
//   Limits    HTTP_CHUNK_EXT_MAX, HTTP_TRAILER_MAX, and out->limit
//   Errors    BAD with the status code to answer; trailers are checked and dropped, never merged
//             into the header
#ifndef HTTP_CHUNK_H
#define HTTP_CHUNK_H

#include "base/buf.h"
#include "http/parse.h"

typedef struct http_chunks {
    uint8_t state;
    uint8_t n_digits;
    int code;  // valid when BAD
    const char *why;
    uint64_t left;  // of this chunk's data
    uint32_t n_ext, n_trailer;
} http_chunks;

void http_chunks_init(http_chunks *c);
// Decodes a prefix of `in` (all of it unless DONE or BAD) and says in *used how long it was.
http_parse http_chunks_feed(http_chunks *c, size_t *used, buf *out, str in);

#endif
