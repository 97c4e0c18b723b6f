// Files: mapped for reading, replaced by rename for writing.
//
// The order write, fsync(file), rename, fsync(directory) is what makes a replaced file survive a
// power cut as either the old or the new one.

#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, WRITE_BUF = 1 << 20 };

static int64_t mtime_of(const struct stat *st) {
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static int advice_of(os_advice a) {
    return a == OS_MAP_RANDOM       ? MADV_RANDOM
           : a == OS_MAP_SEQUENTIAL ? MADV_SEQUENTIAL
                                    : MADV_WILLNEED;
}

static status map_fd(os_map *m, const char *path, os_advice advice, err *e) {
    struct stat st;
    if (fstat(m->fd, &st)) return err_sys(e, "%s: stat", path);
    if (!S_ISREG(st.st_mode)) return err_set(e, E_ARG, "%s: not a regular file", path);
    m->len = (size_t)st.st_size;
    m->mtime_ns = mtime_of(&st);
    if (m->len == 0) return OK;
    void *p = mmap(NULL, m->len, PROT_READ, MAP_SHARED, m->fd, 0);
    if (p == MAP_FAILED) return err_sys(e, "%s: map of %zu bytes", path, m->len);
    m->base = p;
    madvise(p, m->len, advice_of(advice));
    return OK;
}

status os_map_take(os_map *m, int fd, const char *name, os_advice advice, err *e) {
    *m = (os_map){.fd = fd};
    snprintf(m->path, sizeof m->path, "%s", name);
    status s = map_fd(m, name, advice, e);
    if (s) os_map_close(m);
    return s;
}

status os_map_open(os_map *m, const char *path, os_advice advice, err *e) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not block
    *m = (os_map){.fd = -1};
    return fd < 0 ? err_sys(e, "%s: cannot open", path) : os_map_take(m, fd, path, advice, e);
}

void os_map_advise(const os_map *m, os_advice advice) {
    if (!m->base) return;
    void *base = (void *)m->base;
    if (advice == OS_MAP_WILLNEED) madvise(base, m->len, MADV_NORMAL);  // RANDOM would stay
    madvise(base, m->len, advice_of(advice));
}

void os_map_close(os_map *m) {
    bool zeroed = !m->base && !m->path[0];
    if (m->base) munmap((void *)m->base, m->len);
    if (!zeroed && m->fd >= 0) close(m->fd);
    *m = (os_map){.fd = -1};
}

// Clamps the range to the file and widens it to pages.
static bool page_range(const os_map *m, uint64_t off, uint64_t len, size_t *from, size_t *to) {
    if (!m->base || off >= m->len || len == 0) return false;
    if (len > m->len - off) len = m->len - off;
    *from = off & ~(uint64_t)(PAGE - 1);
    *to = off + len;
    return true;
}

bool os_map_is_resident(const os_map *m, uint64_t off, uint64_t len) {
    size_t from, to;
    if (!page_range(m, off, len, &from, &to)) return true;
    unsigned char vec[256];
    while (from < to) {
        size_t n = min_size(to - from, sizeof vec * PAGE);
        if (mincore((void *)(m->base + from), n, vec)) return false;
        for (size_t i = 0; i < (n + PAGE - 1) / PAGE; i++)
            if (!(vec[i] & 1)) return false;
        from += n;
    }
    return true;
}

void os_map_touch(const os_map *m, uint64_t off, uint64_t len) {
    size_t from, to;
    if (!page_range(m, off, len, &from, &to)) return;
    char sink[16 * PAGE];  // read, not mapped access: a file that shrank ends early, no SIGBUS
    while (from < to) {
        ssize_t n = pread(m->fd, sink, min_size(to - from, sizeof sink), (off_t)from);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        from += (size_t)n;
    }
}

uint64_t os_mapped_bytes(void) {
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0) close(fd);
    str s = {text, n > 0 ? (size_t)n : 0};
    uint64_t pages = 0;
    for (int i = 0; i < 2; i++)  // size and resident stand before it
        (void)str_cut(&s, ' ');
    return str_parse_u64(&pages, str_cut(&s, ' ')) ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

void os_map_trim(const os_map *m) {
    if (m->base) madvise((void *)m->base, m->len, MADV_DONTNEED);
}

status os_stat(os_file_stat *out, const char *path, err *e) {
    struct stat st;
    if (stat(path, &st)) return err_sys(e, "%s: cannot open", path);
    *out = (os_file_stat){(uint64_t)st.st_size, mtime_of(&st), S_ISDIR(st.st_mode)};
    return OK;
}

// --- Atomic replacement ----------------------------------------------------------------------

// "a/b/c" -> "a/b"; "c" -> ".". Returns where the last component starts.
static const char *split(char dir[OS_PATH_MAX], const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        strcpy(dir, ".");
    else
        snprintf(dir, OS_PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return slash ? slash + 1 : path;
}

// Removes NAME.tmp.PID files of processes that no longer run.
static void sweep(const char *path) {
    char dir[OS_PATH_MAX], want[OS_PATH_MAX];
    const char *name = split(dir, path);
    int n = snprintf(want, sizeof want, "%s.tmp.", name);
    DIR *d = opendir(dir);
    if (!d) return;
    for (struct dirent *ent; (ent = readdir(d));) {
        if (strncmp(ent->d_name, want, (size_t)n)) continue;
        uint64_t pid;
        if (!str_parse_u64(&pid, str_of(ent->d_name + n)) || pid == 0 || pid > INT32_MAX) continue;
        if (kill((pid_t)pid, 0) == 0 || errno != ESRCH) continue;
        unlinkat(dirfd(d), ent->d_name, 0);
    }
    closedir(d);
}

status os_new_open(os_new_file *f, const char *path, err *e) {
    *f = (os_new_file){.fd = -1};
    int n = snprintf(f->tmp, sizeof f->tmp, "%s.tmp.%d", path, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof f->tmp)
        return err_set(e, E_LIMIT, "path of %zu bytes, limit %d", strlen(path), OS_PATH_MAX);
    snprintf(f->path, sizeof f->path, "%s", path);
    sweep(path);
    f->fd = open(f->tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (f->fd < 0) return err_sys(e, "%s: cannot create", f->tmp);
    f->cap_buf = WRITE_BUF;
    f->buf = malloc(f->cap_buf);
    if (!f->buf) {
        os_new_abort(f);
        return err_set(e, E_MEMORY, "%s: no memory for a write buffer", path);
    }
    return OK;
}

static status broken(os_new_file *f, err *e) {
    f->failed = true;
    return err_sys(e, "%s: write", f->tmp);
}

static status write_all(os_new_file *f, const uint8_t *p, size_t len, err *e) {
    while (len) {
        ssize_t n = write(f->fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return broken(f, e);
        p += n, len -= (size_t)n;
    }
    return OK;
}

static status flush(os_new_file *f, err *e) {
    size_t n = f->n_buf;
    f->n_buf = 0;
    return write_all(f, f->buf, n, e);
}

status os_new_write(os_new_file *f, const void *data, size_t len, err *e) {
    if (len > f->cap_buf - f->n_buf) TRY(flush(f, e));
    if (len > f->cap_buf) {
        TRY(write_all(f, data, len, e));
    } else if (len) {
        memcpy(f->buf + f->n_buf, data, len);
        f->n_buf += len;
    }
    f->len += len;
    return OK;
}

status os_new_patch(os_new_file *f, uint64_t off, const void *data, size_t len, err *e) {
    CHECK(off <= f->len && len <= f->len - off);
    TRY(flush(f, e));
    const uint8_t *p = data;
    while (len) {
        ssize_t n = pwrite(f->fd, p, len, (off_t)off);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return broken(f, e);
        p += n, len -= (size_t)n, off += (uint64_t)n;
    }
    return OK;
}

static status sync_dir(const char *path, err *e) {
    char dir[OS_PATH_MAX];
    split(dir, path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return err_sys(e, "%s: cannot open", dir);
    int rc = fsync(fd);
    int sys = errno;
    close(fd);
    errno = sys;
    // Some file systems cannot sync a directory and say EINVAL; the rename stands all the same.
    return rc && sys != EINVAL ? err_sys(e, "%s: sync", dir) : OK;
}

status os_new_commit(os_new_file *f, err *e) {
    bool hole = f->failed;  // an earlier write failed and the caller went on
    status s = flush(f, e);
    if (!s && hole) s = err_set(e, E_IO, "%s: an earlier write failed", f->tmp);
    if (!s && fsync(f->fd)) s = err_sys(e, "%s: sync", f->tmp);
    if (!s && rename(f->tmp, f->path)) s = err_sys(e, "%s: cannot replace", f->path);
    if (s) {
        os_new_abort(f);
        return s;
    }
    close(f->fd);
    f->fd = -1;
    free(f->buf);
    f->buf = NULL;
    return sync_dir(f->path, e);
}

void os_new_abort(os_new_file *f) {
    if (f->fd >= 0) {
        close(f->fd);
        unlink(f->tmp);
    }
    f->fd = -1;
    free(f->buf);
    f->buf = NULL;
}
