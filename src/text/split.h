// text/split.h -- GPT-2's pre-split: cuts text into the pieces that BPE works on.
//
//   Threads   pure; any
//   Source    the pattern of openai/gpt-2 encoder.py, as tiktoken's "gpt2" has it:
//             's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
#ifndef TEXT_SPLIT_H
#define TEXT_SPLIT_H

#include "base/str.h"

// A piece that ends so many bytes before the end of a text is the same however the text goes on:
// behind its end are looked at a last white space that it gives away and one more character.
enum { SPLIT_LOOK_AHEAD = 8 };

// Length of the first piece of `s`, which must not be empty. A run of malformed UTF-8 is a piece.
size_t split_gpt2(str s);

#endif
