// wiki/source.h -- a dump's XML bytes, whatever it is packed in: read in order, or anywhere.
//
// Offsets are bytes of the unpacked XML, so that pages, ranges and the index never know about
// bzip2. A plain file is its map. A bzip2 file, of one stream or many, is a row of blocks of at
// most 900 kB, each found by its 48-bit mark and unpacked by itself; the block map says where each
// one starts.
//
//   Owner     wiki_source owns the map and the cache; chunks belong to whoever took them
//   Threads   wiki_source_*: any. A wiki_reader: wiki_reader_next from any number of threads at
//             once
//   Blocks    on disk, and on a block being unpacked by another thread (single flight)
//   Errors    E_FORMAT with the byte and what to do: damaged, cut short, no bzip2; E_MEMORY, E_IO
//   Source    the block structure of bzip2 as its own bzip2recover reads it; multistream: research
//             of dumps.wikimedia.org's recompressxml
#ifndef WIKI_SOURCE_H
#define WIKI_SOURCE_H

#include "base/arena.h"
#include "os/file.h"

// Where block i starts: `bit` in the packed file, `raw` in the XML. The last row is the end of
// both.
typedef struct wiki_block {
    uint64_t bit, raw;
} wiki_block;

// --- Anywhere --------------------------------------------------------------------------------

typedef struct wiki_source {
    os_map file;  // as it stands on disk
    bool is_packed;
    uint64_t len;              // of the XML
    const wiki_block *blocks;  // packed only; borrowed, n_blocks + 1 rows
    size_t n_blocks;
    struct wiki_block_cache *cache;  // packed only
} wiki_source;

typedef struct wiki_source_options {
    // The index's block map, of a packed file. It must stay while the source is open.
    const wiki_block *blocks;
    size_t n_blocks;
    size_t cache_bytes;  // of unpacked blocks; 0: 64 MiB
} wiki_source_options;

NODISCARD status wiki_source_open(wiki_source *s, const char *path, const wiki_source_options *o,
                                  err *e);
void wiki_source_close(wiki_source *s);  // accepts a zeroed one

// Whether the file at `path` is bzip2 (by its first bytes, whatever its name).
bool wiki_source_is_packed(const os_map *file);

// [off, off+len) of the XML: points into the map, or is unpacked into `a`. E_LIMIT when it does not
// fit there, E_ARG outside the XML, E_FORMAT when a block is damaged.
NODISCARD status wiki_source_read(str *out, wiki_source *s, uint64_t off, uint64_t len, arena *a,
                                  err *e);
// Whether reading that range now will neither wait for the disk nor unpack.
bool wiki_source_is_ready(const wiki_source *s, uint64_t off, uint64_t len);

typedef struct wiki_cache_counters {
    uint64_t hits, misses, bytes, evicted;
} wiki_cache_counters;
void wiki_source_counters(wiki_cache_counters *out, const wiki_source *s);

// --- In order --------------------------------------------------------------------------------

// A run of whole pages: the text from the first "<page>" of the run to the next run's first. The
// very first chunk starts with the header (siteinfo), the last ends with the footer. Chunks laid
// end to end are the XML.
typedef struct wiki_chunk {
    uint64_t number;  // 0, 1, 2...
    uint64_t off;     // of text, in the XML
    str text;
    arena mem;  // packed: owns text
    bool is_last;
} wiki_chunk;

typedef struct wiki_reader wiki_reader;

typedef struct wiki_reader_options {
    const char *path;
    int n_threads;       // that will call next; sizes buffers
    size_t chunk_bytes;  // about, of plain files; 0: 8 MiB
} wiki_reader_options;

NODISCARD status wiki_reader_open(wiki_reader **out, const wiki_reader_options *o, err *e);
void wiki_reader_close(wiki_reader *r);  // no call under way; accepts NULL

// The next chunk. Many threads call it; unpacking happens in the caller, side by side, up to two
// blocks a thread ahead, and chunks are handed out in order of `number`: whose block is not next
// unpacks another, or waits when enough are in hand. *more is false at the end. After an error
// every later call gives it, too; of several the one nearest to the start of the file. The memory
// of a chunk is reused when it is given back.
NODISCARD status wiki_reader_next(bool *more, wiki_chunk *c, wiki_reader *r, err *e);
void wiki_reader_give_back(wiki_reader *r, wiki_chunk *c);

const os_map *wiki_reader_file(const wiki_reader *r);
uint64_t wiki_reader_packed_at(const wiki_reader *r);  // bytes of the file taken so far: progress
// After the end: the XML's length, and the block map (n + 1 rows, the reader's memory; n is 0 for a
// plain file). While no call is under way they are those of what was read so far.
uint64_t wiki_reader_len(const wiki_reader *r);
const wiki_block *wiki_reader_blocks(size_t *n, const wiki_reader *r);

// --- Multistream index -----------------------------------------------------------------------

// A line "offset:pageid:title" of a dump's own index file; title as the XML has it (escaped).
typedef struct wiki_stream_line {
    uint64_t off;
    uint32_t page_id;
    str title;
} wiki_stream_line;
// False for a line that is none.
bool wiki_stream_line_parse(wiki_stream_line *out, str line);

#endif
