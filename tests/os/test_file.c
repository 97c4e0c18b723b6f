// Mappings and atomic replacement: killed in the middle, disk full, left-overs.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], path[128];

static int setup(void **state) {
    (void)state;
    strcpy(dir, "/tmp/pp-test-file-XXXXXX");
    if (!mkdtemp(dir)) return 1;
    snprintf(path, sizeof path, "%s/data", dir);
    return 0;
}

// Files in the folder; with `drop` they are removed.
static int count_files(bool drop) {
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *ent; d && (ent = readdir(d));) {
        if (ent->d_name[0] == '.') continue;
        n++;
        if (drop) unlinkat(dirfd(d), ent->d_name, 0);
    }
    if (d) closedir(d);
    return n;
}

static int teardown(void **state) {
    (void)state;
    count_files(true);
    return rmdir(dir);
}

static void put(const char *text) {
    os_new_file f;
    err e = {0};
    assert_int_equal(os_new_open(&f, path, &e), OK);
    assert_int_equal(os_new_write(&f, text, strlen(text), &e), OK);
    assert_int_equal(os_new_commit(&f, &e), OK);
}

static void check(const char *want) {
    os_map m;
    err e = {0};
    if (os_map_open(&m, path, OS_MAP_SEQUENTIAL, &e)) fail_msg("%s", e.msg);
    assert_true(str_eq(os_map_str(&m), str_of(want)));
    os_map_close(&m);
}

static void test_map(void **state) {
    (void)state;
    put("hello");
    os_map m;
    err e = {0};
    assert_int_equal(os_map_open(&m, path, OS_MAP_RANDOM, &e), OK);
    assert_int_equal(m.len, 5);
    assert_true(m.fd >= 0 && m.mtime_ns > 0);
    assert_string_equal(m.path, path);
    char two[2];
    assert_int_equal(pread(m.fd, two, 2, 3), 2);
    assert_memory_equal(two, "lo", 2);
    int fd = m.fd;
    os_map_close(&m);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    os_map_close(&m);
    os_map zeroed = {0};
    os_map_close(&zeroed);  // must not close descriptor 0
    assert_int_not_equal(fcntl(0, F_GETFD), -1);
    os_file_stat st;
    assert_int_equal(os_stat(&st, path, &e), OK);
    assert_int_equal(st.len, 5);
    assert_false(st.is_dir);
    assert_int_equal(os_stat(&st, dir, &e), OK);
    assert_true(st.is_dir);
    put("");
    assert_int_equal(os_map_open(&m, path, OS_MAP_WILLNEED, &e), OK);
    assert_null(m.base);
    assert_int_equal(os_map_str(&m).len, 0);
    os_map_close(&m);
}

static void test_map_refused(void **state) {
    (void)state;
    os_map m;
    os_file_stat st;
    err e = {0};
    assert_int_equal(os_map_open(&m, "/no/such/file", OS_MAP_RANDOM, &e), E_NOT_FOUND);
    assert_string_equal(e.msg, "/no/such/file: cannot open: No such file or directory");
    assert_int_equal(m.fd, -1);
    assert_int_equal(os_stat(&st, "/no/such/file", &e), E_NOT_FOUND);
    assert_int_equal(os_map_open(&m, dir, OS_MAP_RANDOM, &e), E_ARG);
    assert_int_equal(os_map_open(&m, "/dev/null", OS_MAP_RANDOM, &e), E_ARG);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(10);  // a FIFO without a writer must not block
    assert_int_equal(os_map_open(&m, path, OS_MAP_RANDOM, &e), E_ARG);
    alarm(0);
}

static void test_resident(void **state) {
    (void)state;
    os_new_file f;
    err e = {0};
    char page[4096];
    memset(page, 'x', sizeof page);
    assert_int_equal(os_new_open(&f, path, &e), OK);
    for (int i = 0; i < 300; i++)
        assert_int_equal(os_new_write(&f, page, sizeof page, &e), OK);
    assert_int_equal(os_new_commit(&f, &e), OK);
    os_map m;
    assert_int_equal(os_map_open(&m, path, OS_MAP_RANDOM, &e), OK);
    os_map_touch(&m, 0, UINT64_MAX);
    assert_true(os_map_is_resident(&m, 0, UINT64_MAX));
    assert_true(os_map_is_resident(&m, 300 * 4096 - 1, 1));
    os_map_touch(&m, 300 * 4096, 1);  // past the end: nothing
    os_map_touch(&m, UINT64_MAX, UINT64_MAX);
    assert_true(os_map_is_resident(&m, UINT64_MAX, 5));
    // The kernel keeps a page that is mapped somewhere, so drop the mapping first.
    int fd = dup(m.fd);
    os_map_close(&m);
    bool dropped = fd >= 0 && !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    assert_true(dropped);
    assert_int_equal(os_map_open(&m, path, OS_MAP_RANDOM, &e), OK);
    if (!os_map_is_resident(&m, 0, m.len)) {  // tmpfs keeps its pages all the same
        os_map_touch(&m, 4096, 1);
        assert_true(os_map_is_resident(&m, 4096, 4096));
    }
    os_map_close(&m);
}

static void test_replace(void **state) {
    (void)state;
    put("old");
    os_new_file f;
    err e = {0};
    assert_int_equal(os_new_open(&f, path, &e), OK);
    assert_int_equal(os_new_write(&f, "HEAD", 4, &e), OK);
    assert_int_equal(os_new_write(&f, "", 0, &e), OK);
    size_t big = 3 << 20;
    char *text = malloc(big);
    assert_non_null(text);
    for (size_t i = 0; i < big; i++)
        text[i] = (char)(i * 7 + i / 251);
    assert_int_equal(os_new_write(&f, text, big, &e), OK);
    assert_int_equal(os_new_write(&f, "tail", 4, &e), OK);
    assert_int_equal(f.len, big + 8);
    assert_int_equal(os_new_patch(&f, 0, "head", 4, &e), OK);
    assert_int_equal(os_new_patch(&f, big + 7, "L", 1, &e), OK);
    assert_int_equal(os_new_write(&f, "!", 1, &e), OK);  // a patch does not move the end
    check("old");
    assert_int_equal(os_new_commit(&f, &e), OK);
    os_new_abort(&f);
    os_map m;
    assert_int_equal(os_map_open(&m, path, OS_MAP_SEQUENTIAL, &e), OK);
    assert_int_equal(m.len, big + 9);
    assert_memory_equal(m.base, "head", 4);
    assert_memory_equal(m.base + 4, text, big);
    assert_memory_equal(m.base + 4 + big, "taiL!", 5);
    os_map_close(&m);
    free(text);
    assert_int_equal(count_files(false), 1);
}

static void test_abort(void **state) {
    (void)state;
    put("old");
    os_new_file f;
    err e = {0};
    assert_int_equal(os_new_open(&f, path, &e), OK);
    assert_int_equal(os_new_write(&f, "new", 3, &e), OK);
    assert_int_equal(count_files(false), 2);
    os_new_abort(&f);
    os_new_abort(&f);
    check("old");
    assert_int_equal(count_files(false), 1);
    os_new_file unopened = {.fd = -1};
    os_new_abort(&unopened);
}

// SIGKILL in the middle leaves the old file; the next writer removes the left-over.
static void test_killed(void **state) {
    (void)state;
    put("old");
    pid_t pid = fork();
    if (pid == 0) {
        os_new_file f;
        char part[4096] = "new";
        if (os_new_open(&f, path, NULL)) _exit(1);
        for (int i = 0; i < 1000; i++)
            if (os_new_write(&f, part, sizeof part, NULL)) _exit(2);
        raise(SIGKILL);
        _exit(3);
    }
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    check("old");
    assert_int_equal(count_files(false), 2);
    char other[192];
    snprintf(other, sizeof other, "%s.tmp.notes", path);  // not ours: stays
    assert_int_equal(close(open(other, O_CREAT | O_WRONLY, 0600)), 0);
    put("newer");
    check("newer");
    assert_int_equal(count_files(false), 2);
}

// The disk is full (here: a file-size limit): an error, the old file, no left-over.
static void test_disk_full(void **state) {
    (void)state;
    put("old");
    struct rlimit old, small = {1 << 16, 1 << 16};
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    os_new_file f;
    err e = {0};
    char *text = calloc(1, 2 << 20);
    assert_non_null(text);
    assert_int_equal(os_new_open(&f, path, &e), OK);
    assert_int_equal(os_new_write(&f, text, 2 << 20, &e), E_LIMIT);
    assert_true(str_ends(str_of(e.msg), STR(": write: File too large")));
    setrlimit(RLIMIT_FSIZE, &old);
    // A caller that goes on all the same must not get a file with a hole.
    assert_int_equal(os_new_write(&f, "x", 1, &e), OK);
    assert_int_equal(os_new_commit(&f, &e), E_IO);
    assert_true(str_ends(str_of(e.msg), STR(": an earlier write failed")));
    check("old");
    assert_int_equal(count_files(false), 1);
    free(text);
    signal(SIGXFSZ, SIG_DFL);
}

static void test_open_refused(void **state) {
    (void)state;
    os_new_file f;
    err e = {0};
    assert_int_equal(os_new_open(&f, "/no/such/dir/file", &e), E_NOT_FOUND);
    assert_int_equal(f.fd, -1);
    char longest[OS_PATH_MAX + 10];
    memset(longest, 'p', sizeof longest);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(os_new_open(&f, longest, &e), E_LIMIT);
    assert_string_equal(e.msg, "path of 4105 bytes, limit 4096");
    os_new_abort(&f);
}

// A bare name means the current folder; "/x" the root.
static void test_relative(void **state) {
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(dir), 0);
    os_new_file f;
    err e = {0};
    assert_int_equal(os_new_open(&f, "data", &e), OK);
    assert_int_equal(os_new_write(&f, "here", 4, &e), OK);
    assert_int_equal(os_new_commit(&f, &e), OK);
    assert_int_equal(chdir(before), 0);
    check("here");
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_map),    T(test_map_refused), T(test_resident),     T(test_replace),  T(test_abort),
        T(test_killed), T(test_disk_full),   T(test_open_refused), T(test_relative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
