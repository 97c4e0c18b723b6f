// tensor/pt.h -- reads a PyTorch checkpoint (torch.save zip) without running it.
//
// The file is mapped; tensors are views into the map. The pickle inside is interpreted by a small
// machine that knows the handful of constructors tensors need; everything else becomes an inert
// record. Nothing is ever executed.
//
//   Owner     pt owns map and names; views die at pt_close
//   Threads   immutable after open: any
//   Blocks    open: on disk; tensors: on page faults
//   Limits    those of zip.h, pickle.h and names.h
//   Errors    E_FORMAT, E_LIMIT, E_UNSUPPORTED (compressed entries, quantised tensors, legacy
//             format), with the name of the thing
//   Format    ZIP (stored, ZIP64), <prefix>/data.pkl protocol 2..5, <prefix>/data/<key>,
//             little endian (<prefix>/byteorder)
#ifndef TENSOR_PT_H
#define TENSOR_PT_H

#include "os/file.h"
#include "os/pool.h"
#include "tensor/names.h"

typedef struct pt pt;

NODISCARD status pt_open(pt **out, const char *path, err *e);
// As pt_open for a file that is in memory already and outlives the pt (tests, fuzzing).
NODISCARD status pt_open_bytes(pt **out, str file, err *e);
void pt_close(pt *p);  // accepts NULL

// Compares the pickle's CRC; opening does not, because the pickle is harmless whatever it says.
NODISCARD status pt_check(const pt *p, err *e);
// Compares every CRC in the file, which has to be read for it, on the pool's threads.
NODISCARD status pt_verify(const pt *p, os_pool *pool, err *e);

// Tensors of the top-level dict's "model" entry (or of the dict itself when it holds tensors), in
// file order, "_orig_mod." and "module." stripped. pt_tensor: false when absent.
bool pt_tensor(tensor *out, const pt *p, const char *name);
const tensor_names *pt_tensors(const pt *p);
// The file; zeroed when it came from memory.
const os_map *pt_map(const pt *p);

// A number of the "config" entry, which may be a dict or a pickled dataclass; of the top level
// when `section` is "". False when absent or no number.
bool pt_number(double *out, const pt *p, const char *section, const char *key);

#endif
