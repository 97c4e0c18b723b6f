// MediaWiki's page digest: SHA-1 of the decoded text, written in base 36 with 31 digits.
//
// The digest is OpenSSL's, which uses the processor's SHA instructions where there are any
// (docs/decisions/0003-libcrypto-for-sha1.md). It is a check against accidents, not a signature.

#include "wiki/inside.h"

#include <openssl/evp.h>

enum { DIGEST = 20 };

// Long division of the 160-bit number by 36, a digit at a time from the right.
static void to_base36(char out[WIKI__SHA1_DIGITS], unsigned char d[DIGEST]) {
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    for (int i = WIKI__SHA1_DIGITS - 1; i >= 0; i--) {
        unsigned rest = 0;
        for (int k = 0; k < DIGEST; k++) {
            rest = rest << 8 | d[k];
            d[k] = (unsigned char)(rest / 36);
            rest %= 36;
        }
        out[i] = digits[rest];
    }
}

bool wiki__sha1(char out[WIKI__SHA1_DIGITS], str text) {
    unsigned char d[DIGEST];
    unsigned n = 0;
    const char *p = text.len ? text.ptr : "";
    if (EVP_Digest(p, text.len, d, &n, EVP_sha1(), NULL) != 1 || n != DIGEST) return false;
    to_base36(out, d);
    return true;
}
