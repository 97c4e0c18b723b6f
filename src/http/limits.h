// http/limits.h -- every limit of the server, by name. tests/http has a test for each.
#ifndef HTTP_LIMITS_H
#define HTTP_LIMITS_H

enum {
    // What a client may send
    HTTP_HEAD_MAX = 16 << 10,      // request line and fields; more is 431
    HTTP_TARGET_MAX = 8 << 10,     // bytes of request target; more is 414
    HTTP_FIELDS_MAX = 100,         // header fields; more is 431
    HTTP_BODY_MAX = 1 << 20,       // bytes of request body, decoded; more is 413
    HTTP_CHUNK_EXT_MAX = 4 << 10,  // bytes of chunk extensions per request; more is 400
    HTTP_TRAILER_MAX = 8 << 10,    // bytes of trailer per request; more is 431

    // How long it may take
    HTTP_IDLE_MS = 30000,   // between requests
    HTTP_HEAD_MS = 10000,   // a head, from its first byte to its last
    HTTP_BODY_MS = 60000,   // a body, whole
    HTTP_STALL_MS = 30000,  // a reply that the client does not take a byte of
    HTTP_LINGER_MS = 2000,  // after the last reply, for the client to see it and close
    HTTP_RETRY_MS = 100,    // no descriptors left, or no worker free for a cold page

    // What a connection may hold
    HTTP_BLOCK = 32 << 10,           // one input and one output block, borrowed while not idle
    HTTP_REPLY_HEAD_MAX = 12 << 10,  // a reply's header block; more is 500
    HTTP_COPY_MAX = 2 << 10,       // bodies up to here are copied, so that pipelined replies batch
    HTTP_CHUNK_MAX = 16 << 10,     // one call of a generator
    HTTP_UNSENT_MAX = 16 << 10,    // a generator is not called while this much waits
    HTTP_SLICE = 256 << 10,        // of a mapped file per send
    HTTP_LINGER_BYTES = 64 << 10,  // discarded while lingering
    HTTP_ARENA = 64 << 20,         // address space of one request's arena
    HTTP_ARENA_KEEP = 64 << 10,    // of which stays committed between requests

    // What a loop may hold
    HTTP_CONNS_MAX = 8192,  // connections per loop; beyond, the longest idle is closed
    HTTP_SPARE_MAX = 64,    // blocks and requests kept for reuse
    HTTP_ACCEPTS_PER_TURN = 10,
    HTTP_READS_PER_TURN = 4,    // of one connection
    HTTP_STEPS_PER_TURN = 512,  // of one connection: about 128 pipelined requests
    HTTP_CHUNKS_PER_TURN = 32,  // of one stream
    HTTP_QUEUE_MAX = 1024,      // requests waiting for a worker; more is 503
};

#endif
