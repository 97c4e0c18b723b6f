// make_titles -- a synthetic list of wiki titles, or a dump of pages that have them.
//
//     make_titles --count N [--seed S] [--xml]
//
// Everything here is synthetic: words are made of syllables, names of words. What is calibrated is
// what is published of the English Wikipedia: mean 20 to 24 bytes, and 5.6 to 5.7 bytes a title of
// the sorted list after `gzip -9`. 20 million titles have a mean of 22.7 bytes, 5.62 after gzip;
// 6.5 % are not ASCII (Wikipedia: 3.5 %). 35 % are articles, 54 % redirects to them. Titles are
// unique; the same seed gives the same ones, in no order. Memory: 16 to 32 bytes a title.
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TITLE_MAX = 256, LINKS = 6 };

static uint64_t mix(uint64_t x) {  // splitmix64
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

typedef struct dice {
    uint64_t s;
} dice;

static uint64_t roll(dice *d, uint64_t n) {
    d->s = mix(d->s);
    return (uint64_t)((unsigned __int128)d->s * n >> 64);
}

// A number below n whose logarithm is even: rank r about 1/r as often as rank 1.
static uint64_t zipf(dice *d, uint64_t n) {
    double u = (double)(roll(d, 1u << 30)) / (double)(1u << 30), x = 1, step = (double)n;
    for (int i = 0; i < 30; i++) {  // n to the power of u, by square roots
        step = __builtin_sqrt(step);
        u *= 2;
        if (u >= 1) x *= step, u -= 1;
    }
    uint64_t k = (uint64_t)x;
    return k >= n ? n - 1 : k ? k - 1 : 0;
}

typedef struct title {
    char s[TITLE_MAX];
    size_t n;
} title;

static void add(title *t, const char *s) {
    size_t n = strlen(s);
    if (t->n + n >= TITLE_MAX) return;
    memcpy(t->s + t->n, s, n + 1);
    t->n += n;
}

static const char *const onset[] = {"b",  "c",  "d",  "f",  "g",  "h",  "j", "k",  "l",  "m",
                                    "n",  "p",  "r",  "s",  "t",  "v",  "w", "st", "ch", "br",
                                    "gr", "sh", "th", "kr", "tr", "pl", "",  "",   "",   "mc"};
static const char *const vowel[] = {"a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "ou"};
static const char *const coda[] = {"n", "r", "l", "s", "t", "", "", "", "m", "d", "rd", "ng"};
static const char *const tails[] = {"ton", "ville", "son", "berg", "ia", "er", "ing", "man", "ski"};
static const char *const odd[] = {"é", "ö", "á", "ü", "ł", "ø", "ç", "ñ", "š", "ō"};
static const char *const classes[] = {"film",  "album", "band",       "footballer",    "song",
                                      "novel", "genus", "politician", "disambiguation"};
static const char *const things[] = {"River",       "County",   "Township", "railway station",
                                     "High School", "District", "Island",   "language",
                                     "family",      "F.C."};
static const char *const lists[] = {"List of ",     "History of ",   "Battle of ", "University of ",
                                    "Politics of ", "Geography of ", "The ",       "Saint "};
#define PICK(d, a) (a)[roll(d, sizeof(a) / sizeof *(a))]

// Word number k of the language, always the same.
static void word(title *t, uint64_t k, bool upper) {
    dice d = {mix(k * 77 + 5)};
    size_t from = t->n;
    for (uint64_t n = 1 + (k > 200) + (k > 20000 && roll(&d, 2)); n--;) {
        add(t, PICK(&d, onset));
        add(t, PICK(&d, vowel));
        add(t, PICK(&d, coda));
    }
    if (!roll(&d, 6)) add(t, PICK(&d, tails));
    if (!roll(&d, 120)) add(t, PICK(&d, odd));
    if (upper && t->s[from] >= 'a') t->s[from] = (char)(t->s[from] - 32);
}

static void number(title *t, uint64_t v) {
    char s[24];
    snprintf(s, sizeof s, "%llu", (unsigned long long)v);
    add(t, s);
}

enum { WORDS = 60000 };

static void words(title *t, dice *d, unsigned n, bool upper) {
    for (unsigned i = 0; i < n; i++) {
        if (i) add(t, " ");
        word(t, zipf(d, WORDS), upper || !i);
    }
}

// The title of article k: subject, then often what kind of it.
static void article(title *t, uint64_t k, uint64_t seed) {
    dice d = {mix(seed ^ k)};
    uint64_t kind = roll(&d, 100);
    t->n = 0;
    if (kind < 12) add(t, PICK(&d, lists));
    if (kind >= 12 && kind < 19) number(t, 1850 + roll(&d, 175)), add(t, " ");
    words(t, &d, 2 + !roll(&d, 3), kind < 75);
    if (kind >= 60 && kind < 72) add(t, " "), add(t, PICK(&d, things));
    if (kind >= 75 && kind < 86) add(t, " ("), add(t, PICK(&d, classes)), add(t, ")");
    if (kind >= 86 && kind < 92) add(t, ", "), word(t, zipf(&d, 400), true);
    if (kind >= 92 && kind < 96) add(t, " "), number(t, roll(&d, 2000));
}

static const struct {
    const char *prefix;
    int key, share;  // of SPACES_SHARE
} spaces[] = {{"Category:", 14, 60}, {"Template:", 10, 20}, {"Wikipedia:", 4, 20},
              {"File:", 6, 6},       {"Portal:", 100, 3},   {"Module:", 828, 1}};
enum { SPACES_SHARE = 110 };
enum { ARTICLES = 350, REDIRECTS = 540, TURN = 617 };  // of 1000; the rest are other namespaces

// Of each thousand pages in a row, which is what: mixed, and known both ways.
static uint64_t place_of(uint64_t x) {  // x * TURN % 1000 is its inverse
    static uint64_t inverse;
    while (!inverse || inverse * TURN % 1000 != 1)
        inverse++;
    return x * inverse % 1000;
}

// The number of an article, the first ones most often.
static uint64_t some_article(dice *d, uint64_t count, bool is_link) {
    uint64_t thousands = count / 1000 + 1;
    uint64_t k = is_link ? zipf(d, thousands) : roll(d, thousands);
    uint64_t i = k * 1000 + place_of(roll(d, ARTICLES));
    return i < count ? i : place_of(0) % (count ? count : 1);
}

typedef struct page {
    title title, target;  // target.n is 0 for a page of its own
    int ns;
} page;

// Another spelling of the article's title, as redirects mostly are.
static void variant(title *t, dice *d, const title *of) {
    *t = *of;
    uint64_t kind = roll(d, 100);
    if (kind < 30) {  // capitals
        for (size_t i = 1; i < t->n; i++)
            if (t->s[i] >= 'A' && t->s[i] <= 'Z' && roll(d, 3)) t->s[i] = (char)(t->s[i] + 32);
    } else if (kind < 50) {  // punctuation
        for (size_t i = 1; i < t->n; i++)
            if (t->s[i] == ' ' && roll(d, 2)) t->s[i] = '-';
    } else if (kind < 60) {
        add(t, "s");
    } else if (kind < 68) {
        add(t, " ("), add(t, PICK(d, classes)), add(t, ")");
    } else if (kind < 78) {
        add(t, " "), word(t, zipf(d, 3000), true);
    } else {
        t->n = 0;
        words(t, d, 2 + !roll(d, 3), true);
    }
}

// Page i; `again` counts the names that were taken.
static void page_of(page *p, uint64_t i, uint64_t count, uint64_t seed, uint64_t again) {
    dice d = {mix(seed * 31 + i + (again << 40))};
    int kind = (int)(i * TURN % 1000);
    title name;
    p->ns = 0, p->target.n = 0;
    if (kind >= ARTICLES && kind < ARTICLES + REDIRECTS) {
        article(&p->target, some_article(&d, count, false), seed);
        variant(&p->title, &d, &p->target);
        return;
    }
    article(&name, i + (again << 40), seed);
    p->title.n = 0;
    int other = kind < ARTICLES ? INT_MAX : (int)roll(&d, SPACES_SHARE);
    for (size_t k = 0; k < sizeof spaces / sizeof *spaces; k++) {
        bool is_it = other >= 0 && other < spaces[k].share;
        if (is_it) p->ns = spaces[k].key, add(&p->title, spaces[k].prefix);
        other -= spaces[k].share;
    }
    add(&p->title, name.s);
}

// --- Names are unique --------------------------------------------------------------------------

typedef struct names {
    uint64_t *seen, mask;
} names;

static uint64_t hash_of(const title *t) {
    uint64_t h = t->n;
    for (size_t i = 0; i < t->n; i++)
        h = mix(h ^ (uint8_t)t->s[i]);
    return h ? h : 1;
}

static bool is_new(names *n, const title *t) {
    uint64_t h = hash_of(t), i = h & n->mask;
    for (; n->seen[i]; i = (i + 1) & n->mask)
        if (n->seen[i] == h) return false;
    n->seen[i] = h;
    return true;
}

static void unique_page(page *p, names *n, uint64_t i, uint64_t count, uint64_t seed) {
    uint64_t again = 0;
    do
        page_of(p, i, count, seed, again++);
    while (!is_new(n, &p->title));
}

// --- Dump ------------------------------------------------------------------------------------

static void xml_head(void) {
    fputs("<mediawiki version=\"0.11\" xml:lang=\"en\">\n  <siteinfo>\n"
          "    <sitename>Synthetic</sitename>\n    <dbname>synthwiki</dbname>\n"
          "    <base>https://example.org/wiki/Main_Page</base>\n    <namespaces>\n"
          "      <namespace key=\"0\" case=\"first-letter\" />\n",
          stdout);
    for (size_t k = 0; k < sizeof spaces / sizeof *spaces; k++)
        printf("      <namespace key=\"%d\" case=\"first-letter\">%.*s</namespace>\n",
               spaces[k].key, (int)strlen(spaces[k].prefix) - 1, spaces[k].prefix);
    fputs("    </namespaces>\n  </siteinfo>\n", stdout);
}

static void xml_text(const page *p, uint64_t i, uint64_t count, uint64_t seed) {
    dice d = {mix(seed + 3 * i)};
    fputs("      <text xml:space=\"preserve\">", stdout);
    if (p->target.n) {
        printf("#REDIRECT [[%s]]</text>\n", p->target.s);
        return;
    }
    printf("'''%s''' is a page.", p->title.s);
    for (uint64_t n = roll(&d, LINKS); n--;) {
        title t;
        article(&t, some_article(&d, count, true), seed);
        printf(" See [[%s]].", t.s);
    }
    fputs("</text>\n", stdout);
}

static void xml_page(const page *p, uint64_t i, uint64_t count, uint64_t seed) {
    unsigned long long id = i + 1;
    printf("  <page>\n    <title>%s</title>\n    <ns>%d</ns>\n    <id>%llu</id>\n", p->title.s,
           p->ns, id);
    if (p->target.n) printf("    <redirect title=\"%s\" />\n", p->target.s);
    printf(
        "    <revision>\n      <id>%llu</id>\n      <timestamp>2026-01-01T00:00:00Z</timestamp>\n"
        "      <model>wikitext</model>\n      <format>text/x-wiki</format>\n",
        id);
    xml_text(p, i, count, seed);
    fputs("    </revision>\n  </page>\n", stdout);
}

int main(int argc, char **argv) {
    uint64_t count = 0, seed = 1;
    bool xml = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--xml"))
            xml = true;
        else if (!strcmp(argv[i], "--count") && i + 1 < argc)
            count = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "make_titles --count N [--seed S] [--xml]\n"), 2;
    }
    seed = mix(seed);
    names taken = {NULL, 1};
    while (taken.mask < 2 * count)
        taken.mask = taken.mask * 2 + 1;
    taken.seen = calloc(taken.mask + 1, sizeof *taken.seen);
    if (!taken.seen)
        return fprintf(stderr, "make_titles: no memory for %llu names\n",
                       (unsigned long long)count),
               1;
    if (xml) xml_head();
    for (uint64_t i = 0; i < count; i++) {
        page p;
        unique_page(&p, &taken, i, count, seed);
        if (xml)
            xml_page(&p, i, count, seed);
        else
            fwrite(p.title.s, 1, p.title.n, stdout), putchar('\n');
    }
    if (xml) fputs("</mediawiki>\n", stdout);
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
