// wiki/inside.h -- what the files of this folder share: titles, the dump scanner, bz2, the format.
//
//   Owner     nothing here owns memory but wiki__unpack's file; strs point into their input
//   Threads   pure functions; a wiki__dump belongs to one thread
//   Errors    E_FORMAT with the byte offset and what to do
#ifndef WIKI_INSIDE_H
#define WIKI_INSIDE_H

#include "base/utf8.h"
#include "os/file.h"
#include "wiki/index.h"

enum {
    WIKI__LINK_MAX = 4 * WIKI_TITLE_MAX,  // bytes of a title before it is normalised
    WIKI__FOLD_GROWTH = 3,                // U+0390 folds to three code points of two bytes
    WIKI__FOLD_VERSION = 1,               // of the rule and of Unicode; in the index header
};

// --- Titles (title.c) ------------------------------------------------------------------------

// Reads the entity whose '&' stands before `s`: returns the bytes of `s` it takes, 0 for none.
size_t wiki__entity(char out[UTF8_MAX], size_t *out_len, str s);
// wiki_decode_entities into dst, which has room for s.len bytes. Returns the length.
size_t wiki__decode(char *dst, str s);
str wiki__nfc(str s, arena *a);  // s itself when it is no UTF-8
bool wiki__has_upper(str s);

// --- Dump (dump.c) ---------------------------------------------------------------------------

// One <page>; strs are raw (not decoded) slices. Of several revisions the last is kept.
typedef struct wiki__page {
    uint64_t off, len;
    str title, ns, id, redirect;
    str rev_id, timestamp, model, sha1, text;
    bool is_redirect;
    bool has_text;  // false when the text was deleted or is absent
} wiki__page;

typedef struct wiki__dump {
    str xml;
    size_t at;
    uint64_t n_pages;
    bool has_root, has_footer;
    wiki_site *site;
    arena *perm;  // of the site's strings
} wiki__dump;

// Refuses what is no UTF-8 MediaWiki dump. `site` may be NULL; it is filled while reading.
NODISCARD status wiki__dump_open(wiki__dump *d, str xml, wiki_site *site, arena *perm, err *e);
// *more is false at the end. E_FORMAT where the dump is damaged or cut short.
NODISCARD status wiki__dump_next(bool *more, wiki__page *out, wiki__dump *d, err *e);

// Numbers of the dump; 0 where there is none.
int32_t wiki__ns_key(str s);
uint32_t wiki__page_id(str s);

// --- bzip2 (bz2.c) ---------------------------------------------------------------------------

// Unpacks one or more concatenated streams; replaces `to` whole or not at all.
NODISCARD status wiki__unpack(const char *from, const char *to,
                              void (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                              err *e);

// --- Digest (sha1.c) -------------------------------------------------------------------------

enum { WIKI__SHA1_DIGITS = 31 };
// SHA-1 as MediaWiki writes it: base 36, padded with zeros.
bool wiki__sha1(char out[WIKI__SHA1_DIGITS], str text);

// --- Index file (index.c says what is in it) -------------------------------------------------

typedef struct wiki__section {
    uint64_t off, len, sum;
} wiki__section;

enum { WIKI__SITE, WIKI__RECORDS, WIKI__FOLDED, WIKI__TEXT, WIKI__SECTIONS };

typedef struct wiki__header {
    char magic[8];
    uint32_t version, fold_version;
    uint64_t file_len;
    uint64_t n_pages;
    uint64_t xml_len;
    int64_t xml_mtime_ns;
    uint64_t xml_sum;  // of its first and last MiB
    wiki__section section[WIKI__SECTIONS];
    uint64_t sum;  // of all that stands before it
} wiki__header;

typedef struct wiki__record {
    uint64_t off;
    uint64_t text_at;  // title, then redirect target
    uint32_t len, id;
    int32_t ns;
    uint16_t title_len, redirect_len;
    uint32_t flags;
    uint32_t zero;
} wiki__record;

enum { WIKI__REDIRECT = 1 << 0, WIKI__BAD_SHA1 = 1 << 1 };
enum { WIKI__VERSION = 1, WIKI__SUM_BLOCK = 64 << 10, WIKI__ALIGN = 64 };
#define WIKI__MAGIC "PLPDIDX\n"

_Static_assert(sizeof(wiki__record) == 40, "the record is part of the file format");
_Static_assert(sizeof(wiki__header) == 160, "the header is part of the file format");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is mapped as it stands");

// Chained over blocks of WIKI__SUM_BLOCK bytes, so that a writer can stream.
uint64_t wiki__sum(str s);
uint64_t wiki__xml_sum(str xml);

struct wiki_index {
    os_map map;
    wiki_site site;
    const wiki__record *records;
    const uint32_t *folded;  // ranks in order of (fold(title), rank)
    str text;
    size_t n;
    uint64_t xml_len, xml_sum;
};

// E_FORMAT when a section's checksum is wrong. Reads the whole file.
NODISCARD status wiki__index_verify(const wiki_index *ix, err *e);

#endif
