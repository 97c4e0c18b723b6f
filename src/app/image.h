// app/image.h -- what a picture is and how large, told by how its file begins.
//
//   Owner     nobody: reads bytes, keeps nothing
//   Threads   pure functions; any
//   Blocks    never
//   Limits    reads the bytes it is given and no others; IMAGE_HEAD of them are enough for all but
//             a JPEG whose notes are longer. Sides over IMAGE_SIDE_MAX are unknown
//   Errors    false: no picture it knows, or its size does not stand in these bytes
//   Format    PNG (w3.org/TR/png), JPEG (ITU-T T.81 B.2.2), GIF89a, WebP (RFC 9649), SVG 2 (8.2)
#ifndef APP_IMAGE_H
#define APP_IMAGE_H

#include "base/str.h"

enum { IMAGE_HEAD = 128 << 10, IMAGE_SIDE_MAX = 1 << 20 };

typedef struct image_size {
    const char *mime;       // "image/png"
    int32_t width, height;  // pixels, 1 or more
} image_size;

bool image_size_of(image_size *out, str head);

#endif
