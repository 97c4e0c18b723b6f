// Damaged index files. The first byte chooses: 0, the rest is the file; else the rest is a list of
// {u16 offset, byte} to change in a good file (from which place on says the second byte, in 64ths),
// whose checksums are then made right again, so that the damage gets past them.

#include "fuzz/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static index_case c;
    if (!c.room) index_case_open(&c);
    if (len < 2) return 0;
    size_t n = data[0] ? c.n_good : min_size(len - 1, INDEX_CASE_MAX);
    memcpy(c.file, data[0] ? c.good : data + 1, n);
    size_t from = data[0] ? data[1] % 64 * (n / 64) : 0;
    for (size_t i = 2; data[0] && i + 3 <= len; i += 3)
        c.file[(from + (data[i] | data[i + 1] << 8)) % n] = data[i + 2];
    if (data[0]) index_case_mend(c.file, n);
    (void)index_case_run(&c, n);
    return 0;
}
