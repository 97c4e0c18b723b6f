// Any bytes as the head of a picture.

#include "fuzz/fuzz.h"

#include "app/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    image_size size;
    if (!image_size_of(&size, (str){(const char *)data, len})) return 0;
    CHECK(size.mime && size.width >= 1 && size.width <= IMAGE_SIDE_MAX);
    CHECK(size.height >= 1 && size.height <= IMAGE_SIDE_MAX);
    return 0;
}
