// Pictures for articles: found by name, told by their first bytes, sent from their mapping.
//
//   I1  a path is opened one part at a time, below the folder's handle, without following links;
//       no part comes from a client but the name, which is checked first

#include "app/wiki_images.h"

#include "app/image.h"
#include "os/file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

struct wiki_images {
    int dir;
};

#define OPEN_FILE (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
#define OPEN_DIR  (O_PATH | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY)

static const struct {
    const char *ending, *mime;
} kinds[] = {
    {".png", "image/png"},  {".jpg", "image/jpeg"},  {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},  {".webp", "image/webp"}, {".svg", "image/svg+xml"},
    {".ogg", "audio/ogg"},  {".oga", "audio/ogg"},   {".opus", "audio/ogg"},
    {".mp3", "audio/mpeg"}, {".wav", "audio/wav"},   {".flac", "audio/flac"},
    {".ogv", "video/ogg"},  {".webm", "video/webm"}, {".mp4", "video/mp4"},
};

status wiki_images_open(wiki_images **out, const char *dir, arena *mem, err *e) {
    int fd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0) return err_sys(e, "%s: cannot open the folder of pictures", dir);
    *out = arena_new(mem, wiki_images);
    (*out)->dir = fd;
    return OK;
}

void wiki_images_close(wiki_images *w) {
    if (w) close(w->dir);
}

// --- Names -----------------------------------------------------------------------------------

static const char *mime_of(str name) {
    for (size_t i = 0; i < countof(kinds); i++) {
        str ending = str_of(kinds[i].ending);
        if (name.len > ending.len && str_eq_nocase(str_skip(name, name.len - ending.len), ending))
            return kinds[i].mime;
    }
    return NULL;
}

static bool is_name(str name) {
    if (!name.len || name.len > IMAGE_NAME_MAX || name.ptr[0] == '.') return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == '/' || name.ptr[i] == 0x7F)
            return false;
    return mime_of(name) != NULL;
}

static void replace(char *name, char what, char with) {
    for (; *name; name++)
        if (*name == what) *name = with;
}

// "a", "ab" and the name: "a/ab/Name.jpg". False: no MD5 in this machine's libcrypto.
static bool hash_dirs(char one[2], char two[3], const char *name) {
    static const char digits[] = "0123456789abcdef";
    unsigned char md5[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_Digest(name, strlen(name), md5, &n, EVP_md5(), NULL) != 1 || n < 1) return false;
    one[0] = two[0] = digits[md5[0] >> 4];
    two[1] = digits[md5[0] & 15];
    one[1] = two[2] = 0;
    return true;
}

// --- Files -----------------------------------------------------------------------------------

static int open_hashed(int dir, const char *name) {
    char one[2], two[3];
    if (!hash_dirs(one, two, name)) return -1;
    int outer = openat(dir, one, OPEN_DIR);
    int inner = outer < 0 ? -1 : openat(outer, two, OPEN_DIR);
    int fd = inner < 0 ? -1 : openat(inner, name, OPEN_FILE);
    if (outer >= 0) close(outer);
    if (inner >= 0) close(inner);
    return fd;
}

static int open_name(const wiki_images *w, str name) {
    char text[IMAGE_NAME_MAX + 1];
    if (!is_name(name)) return -1;
    memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    replace(text, '_', ' ');
    int fd = openat(w->dir, text, OPEN_FILE);
    replace(text, ' ', '_');
    if (fd < 0) fd = openat(w->dir, text, OPEN_FILE);
    if (fd < 0) fd = open_hashed(w->dir, text);
    struct stat st;
    if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0)) return fd;
    close(fd);
    return -1;
}

static void put_address(wt_file *out, str name, arena *a) {
    buf b;
    buf_init(&b, a, 3 * name.len + 16);
    wiki_put_url(&b, STR("/images/"), name);
    out->url = out->page_url = buf_str(&b);
}

bool wiki_images_find(wt_file *out, const wiki_images *w, str name, arena *a) {
    image_size size;
    int fd = open_name(w, name);
    if (fd < 0) return false;
    arena room = *a;  // the file's bytes are needed here only
    char *head = arena_try(&room, IMAGE_HEAD);
    ssize_t n = head ? pread(fd, head, IMAGE_HEAD, 0) : -1;
    close(fd);
    *out = (wt_file){.mime = str_of(mime_of(name))};
    if (n > 0 && image_size_of(&size, (str){head, (size_t)n}))
        out->mime = str_of(size.mime), out->width = size.width, out->height = size.height;
    put_address(out, name, a);
    return true;
}

// --- Sending ---------------------------------------------------------------------------------

static void close_map(void *map) {
    os_map_close(map);
}

// A drawing is a document: it may hold scripts, which must not run as ours.
static void add_policy(http_req *rq, const char *mime) {
    http_add_header(rq, "X-Content-Type-Options", STR("nosniff"));
    if (strcmp(mime, "image/svg+xml") == 0)
        http_add_header(rq, "Content-Security-Policy",
                        STR("default-src 'none'; style-src 'unsafe-inline'; sandbox"));
}

static void reply_map(http_req *rq, const char *mime, const os_map *m) {
    http_range r;
    http_range_kind kind = http_range_of(&r, rq, m->len);
    if (kind == HTTP_RANGE_OK)
        http_reply_range(rq, mime, m, r);
    else if (kind == HTTP_RANGE_UNSATISFIABLE)
        http_reply_range_error(rq, kind, m->len);
    else
        http_reply_map(rq, 200, mime, m, 0, m->len);
}

void wiki_image_one(http_req *rq, void *app) {
    const wiki_hosts *hs = app;
    str name = http_tail(rq);
    int fd = hs->images ? open_name(hs->images, name) : -1;
    os_map *m = arena_new(http_arena(rq), os_map);
    if (fd < 0 || os_map_take(m, fd, "a picture", OS_MAP_SEQUENTIAL, NULL)) {
        http_reply_error(rq, 404, "Not Found");
        return;
    }
    http_at_end(rq, close_map, m);
    http_set_modified(rq, m->mtime_ns);
    str etag = arena_fmt(http_arena(rq), "\"%llx-%llx\"", (unsigned long long)m->len,
                         (unsigned long long)m->mtime_ns);
    http_set_etag(rq, etag);
    const char *mime = mime_of(name);
    add_policy(rq, mime);
    reply_map(rq, mime, m);
}
