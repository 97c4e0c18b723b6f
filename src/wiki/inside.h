// wiki/inside.h -- what the files of this folder share: titles, the dump scanner, the index's
// format.
//
//   Owner     nothing here owns memory; strs point into their input
//   Threads   pure functions; a wiki__dump belongs to one thread
//   Errors    E_FORMAT with the byte offset and what to do
#ifndef WIKI_INSIDE_H
#define WIKI_INSIDE_H

#include "base/utf8.h"
#include "os/file.h"
#include "store/dict.h"
#include "store/file.h"
#include "store/fold.h"
#include "store/sort.h"
#include "wiki/index.h"

enum {
    WIKI__LINK_MAX = 4 * WIKI_TITLE_MAX,  // bytes of a title before it is normalised
};

// --- Titles (title.c) ------------------------------------------------------------------------

// Reads the entity whose '&' stands before `s`: returns the bytes of `s` it takes, 0 for none.
size_t wiki__entity(char out[UTF8_MAX], size_t *out_len, str s);
// wiki_decode_entities into dst, which has room for s.len bytes. Returns the length.
size_t wiki__decode(char *dst, str s);
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

// --- Digest (sha1.c) -------------------------------------------------------------------------

enum { WIKI__SHA1_DIGITS = 31 };
// SHA-1 as MediaWiki writes it: base 36, padded with zeros.
bool wiki__sha1(char out[WIKI__SHA1_DIGITS], str text);

// --- Index file: see index.c for what each section means ---------------------------------------

enum {
    WIKI__SITE,      // siteinfo as build.c's put_site writes it
    WIKI__FACTS,     // one wiki__facts
    WIKI__BLOCKMAP,  // wiki_block[n_blocks + 1], packed dumps only
    WIKI__TITLES,    // store_dict: title -> wiki__payload
    WIKI__OFFSETS,   // store_ef: ordinal -> offset of "<page>"; ordinals count pages in dump order
    WIKI__GAPS,      // wiki__gap[]: pages not followed by the usual number of bytes, by ordinal
    WIKI__IDS,      // page id by ordinal: byte 0 says store_ef (1) or store_packed (0), from byte 8
    WIKI__TARGETS,  // store_packed: target rank of the k-th redirect in rank order; n_pages: none
    WIKI__REDIRECTS,   // u32 per dictionary block: redirects before it
    WIKI__BEST,        // suggest.c: maxima of scores over blocks, and over 16 of those, and so on
    WIKI__BAD,         // u32[]: ordinals of pages whose sha1 does not match, ascending
    WIKI__WORDS,       // store_dict: folded words; a word's rank is its list in WORD_LISTS
    WIKI__WORD_LISTS,  // store_lists of ranks
    WIKI__CATEGORIES,  // store_dict: names without namespace; a name's rank is its list in MEMBERS
    WIKI__MEMBERS,     // store_lists of ranks
    WIKI__BACKLINKS,   // store_lists: rank -> ranks of pages that link to it
    WIKI__LEADS,       // store_lists: rank -> ranks of redirects that lead straight to it
    WIKI__SECTIONS
};
enum { WIKI__VERSION = 2, WIKI__NS_SEEN_MAX = 63 };
#define WIKI__MAGIC "PLPDIDX\n"

typedef struct wiki__facts {
    uint32_t fold_version, with;
    uint64_t n_pages, n_ordinals;  // pages in the dump, replaced ones (same title) included
    uint64_t n_redirects;
    uint64_t file_len, file_sum;  // of the dump's file: its length, and of its first and last MiB
    int64_t file_mtime_ns;
    uint64_t xml_len, n_blocks;
    uint32_t gap;                   // usual number of bytes from one page's end to the next page
    uint32_t ord_bits;              // of an ordinal in the payload
    uint32_t n_ns;                  // in use
    int32_t ns[WIKI__NS_SEEN_MAX];  // ns index -> key
    char newest[32];                // latest revision's timestamp, NUL-padded
} wiki__facts;

// The number of bytes between the end of the page with this ordinal and the next page, or the end.
typedef struct wiki__gap {
    uint64_t ordinal, bytes;
} wiki__gap;

// What stands beside a title: from the lowest bit score 8, disambiguation 1, redirect 1, ns index
// 6, ordinal ord_bits (at most 32).
typedef struct wiki__payload {
    uint32_t ordinal;
    uint8_t ns_index, score;
    bool is_redirect, is_disambiguation;
} wiki__payload;

static inline uint64_t wiki__payload_pack(wiki__payload p) {
    return (uint64_t)p.ordinal << 16 | (uint64_t)p.ns_index << 10 | (uint64_t)p.is_redirect << 9 |
           (uint64_t)p.is_disambiguation << 8 | p.score;
}

static inline wiki__payload wiki__payload_of(uint64_t v) {
    return (wiki__payload){
        .ordinal = (uint32_t)(v >> 16),
        .ns_index = v >> 10 & 63,
        .score = (uint8_t)v,
        .is_redirect = v >> 9 & 1,
        .is_disambiguation = v >> 8 & 1,
    };
}

// Of a file's first and last MiB: with length and time, what identifies a dump.
uint64_t wiki__file_sum(const os_map *file);

struct wiki_index {
    store_in file;
    const wiki__facts *facts;
    wiki_site site;
    store_dict titles, words, categories;
    store_ef offsets, ids_ef;
    store_packed ids, targets;
    bool has_ids_ef;
    const uint32_t *redirects_before, *bad;
    const wiki__gap *gaps;
    size_t n_bad, n_gaps;
    str best;
    store_lists word_lists, members, backlinks, leads;
    uint64_t sections_checked;  // bits
};

// What a person typed as the start of a title: entities, underscores and NFC as in a link, but
// neither trimmed nor capitalised. Of at most WIKI__LINK_MAX bytes.
str wiki__clean_prefix(str s, arena *a);

// --- Optional sections, each written from what the build has sorted ------------------------------

// BEST: the highest score in each block of titles, and over 16 of those, and so on (suggest.c).
NODISCARD status wiki__best_write(store_sink out, const uint8_t *block_max, size_t n_blocks,
                                  err *e);
// False when the section cannot be that of n_blocks.
bool wiki__best_check(str best, size_t n_blocks);

// WORDS and WORD_LISTS (words.c): the list of a word has the word's rank in WORDS as its number, so
// that the dictionary has no payload. `dir` is where a temporary file goes. E_ARG for records out
// of order or not made by wiki__word_record.
// Record of a word at a rank, for store_sort: folded word, 0, rank big endian.
size_t wiki__word_record(uint8_t out[STORE_KEY_MAX + 8], str folded_word, uint32_t rank);
// Calls `found` for each word of a folded title: runs of letters and digits as Unicode has them; of
// scripts without spaces each code point is one.
void wiki__words_of(str folded, void (*found)(void *arg, str word), void *arg);
NODISCARD status wiki__words_write(store_out *o, store_merge *sorted, const char *dir, err *e);

// CATEGORIES and MEMBERS: records of wiki__category_record.
// Folded name, 0, name, 0, rank big endian. 0 bytes, and no record, for a name that is empty, over
// STORE_KEY_MAX bytes or has a zero byte.
size_t wiki__category_record(uint8_t out[STORE_RECORD_MAX], str name, uint32_t rank);
NODISCARD status wiki__categories_write(store_out *o, store_merge *sorted, const char *dir,
                                        uint64_t *n, err *e);
// BACKLINKS or LEADS: 8-byte records, target rank and source rank, both big endian; ranks outside
// n_pages are E_ARG.
NODISCARD status wiki__graph_write(store_out *o, int section, store_merge *sorted, size_t n_pages,
                                   const char *dir, err *e);

#endif
