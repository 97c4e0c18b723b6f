// wiki/words.h -- cuts folded text into words, for titles and queries alike.
//
//   Owner     words point into the text
//   Threads   pure functions; any
//   Limits    WIKI__WORD_MAX bytes a word; what is longer loses its end
#ifndef WIKI_WORDS_H
#define WIKI_WORDS_H

#include "base/str.h"

enum { WIKI__WORD_MAX = 96 };

// The next word of *rest, which moves behind it; false when there is none.
bool wiki__word_next(str *word, str *rest);

#endif
