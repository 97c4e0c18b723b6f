// The sizes of pictures.
//
//   I1  a field is read only where all of it lies in the bytes (at_least, have)

#include "app/image.h"

static bool set(image_size *out, const char *mime, double width, double height) {
    if (!(width >= 1 && width <= IMAGE_SIDE_MAX && height >= 1 && height <= IMAGE_SIDE_MAX))
        return false;
    *out = (image_size){mime, (int32_t)width, (int32_t)height};
    return true;
}

static uint32_t u8(str s, size_t at) {
    return (uint8_t)s.ptr[at];
}

static uint32_t be16(str s, size_t at) {
    return u8(s, at) << 8 | u8(s, at + 1);
}

static uint32_t be32(str s, size_t at) {
    return be16(s, at) << 16 | be16(s, at + 2);
}

static uint32_t le16(str s, size_t at) {
    return u8(s, at) | u8(s, at + 1) << 8;
}

static uint32_t le24(str s, size_t at) {
    return le16(s, at) | u8(s, at + 2) << 16;
}

// --- Pixels ----------------------------------------------------------------------------------

static bool png(image_size *out, str s) {
    return s.len >= 24 && str_eq(str_first(str_skip(s, 12), 4), STR("IHDR")) &&
           set(out, "image/png", be32(s, 16), be32(s, 20));
}

static bool gif(image_size *out, str s) {
    return s.len >= 10 && set(out, "image/gif", le16(s, 6), le16(s, 8));
}

// A frame header (SOFn) but not DHT, JPG, DAC, which lie among them.
static bool is_frame(uint32_t marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

static bool jpeg(image_size *out, str s) {
    for (size_t at = 2; at + 9 <= s.len;) {
        uint32_t marker = u8(s, at + 1);
        if (u8(s, at) != 0xFF) return false;
        if (marker == 0xFF) {  // filling
            at++;
            continue;
        }
        if (is_frame(marker)) return set(out, "image/jpeg", be16(s, at + 7), be16(s, at + 5));
        bool is_alone = marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
        size_t len = is_alone ? 0 : be16(s, at + 2);
        if (marker == 0xD9 || marker == 0xDA || (!is_alone && len < 2)) return false;
        at += 2 + len;
    }
    return false;
}

static bool webp(image_size *out, str s) {
    static const char mime[] = "image/webp";
    if (s.len < 30 || !str_eq(str_first(str_skip(s, 8), 4), STR("WEBP"))) return false;
    str kind = str_first(str_skip(s, 12), 4);
    if (str_eq(kind, STR("VP8X"))) return set(out, mime, le24(s, 24) + 1, le24(s, 27) + 1);
    if (str_eq(kind, STR("VP8 ")))
        return le24(s, 23) == 0x2A019D &&
               set(out, mime, le16(s, 26) & 0x3FFF, le16(s, 28) & 0x3FFF);
    if (!str_eq(kind, STR("VP8L")) || u8(s, 20) != 0x2F) return false;
    uint32_t bits = le24(s, 21) | u8(s, 24) << 24;
    return set(out, mime, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
}

// --- Drawings --------------------------------------------------------------------------------

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static str behind(str s, str what) {
    size_t at = str_find(s, what);
    return at < s.len ? str_skip(s, at + what.len) : (str){0};
}

// What stands in <svg ...>; "": these bytes are no drawing.
static str root_of(str s) {
    if (str_starts(s, STR("\xEF\xBB\xBF"))) s = str_skip(s, 3);
    for (;;) {
        s = str_trim(s);
        if (str_starts(s, STR("<!--")))
            s = behind(s, STR("-->"));
        else if (str_starts(s, STR("<?")))
            s = behind(s, STR("?>"));
        else if (str_starts(s, STR("<!"))) {
            size_t subset = str_find_byte(s, '['), end = str_find_byte(s, '>');
            s = subset < end ? behind(s, STR("]")) : s;
            s = behind(s, STR(">"));
        } else
            break;
    }
    size_t end = str_find_byte(s, '>');
    bool is_root = str_starts(s, STR("<svg")) && s.len > 4 && end < s.len &&
                   (is_space(s.ptr[4]) || s.ptr[4] == '>');
    return is_root ? str_first(str_skip(s, 4), end - 4) : (str){0};
}

// The next name="value"; false: there is none.
static bool next_attr(str *name, str *value, str *rest) {
    size_t n = str_find_byte(*rest, '=');
    if (n == rest->len) return false;
    *name = str_trim(str_first(*rest, n));
    *rest = str_trim(str_skip(*rest, n + 1));
    if (!rest->len || (rest->ptr[0] != '"' && rest->ptr[0] != '\'')) return false;
    char quote = rest->ptr[0];
    *rest = str_skip(*rest, 1);
    *value = str_cut(rest, quote);
    return true;
}

static size_t number_len(str s) {
    size_t n = 0;
    while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || s.ptr[n] == '.'))
        n++;
    return n;
}

// "12.5mm" in pixels; 0: relative, or no length.
static double pixels(str s) {
    static const struct {
        const char *unit;
        double px;
    } units[] = {{"", 1},           {"px", 1},         {"pt", 4.0 / 3}, {"pc", 16},
                 {"mm", 96 / 25.4}, {"cm", 96 / 2.54}, {"in", 96}};
    double x;
    s = str_trim(s);
    size_t n = number_len(s);
    if (!str_parse_f64(&x, str_first(s, n))) return 0;
    for (size_t i = 0; i < countof(units); i++)
        if (str_eq(str_skip(s, n), str_of(units[i].unit))) return x * units[i].px;
    return 0;
}

// "0 0 100 50": its third and fourth number.
static void view_box(double *width, double *height, str s) {
    double number[4] = {0};
    for (size_t i = 0; i < 4; i++) {
        while (s.len && (is_space(s.ptr[0]) || s.ptr[0] == ','))
            s = str_skip(s, 1);
        size_t n = 0;
        while (n < s.len && !is_space(s.ptr[n]) && s.ptr[n] != ',')
            n++;
        if (!str_parse_f64(&number[i], str_first(s, n))) return;
        s = str_skip(s, n);
    }
    *width = number[2], *height = number[3];
}

static bool svg(image_size *out, str s) {
    double width = 0, height = 0, box_width = 0, box_height = 0;
    str name, value, rest = root_of(s);
    if (!rest.ptr) return false;
    while (next_attr(&name, &value, &rest)) {
        if (str_eq(name, STR("width"))) width = pixels(value);
        if (str_eq(name, STR("height"))) height = pixels(value);
        if (str_eq(name, STR("viewBox"))) view_box(&box_width, &box_height, value);
    }
    bool has_box = box_width > 0 && box_height > 0;
    if (width <= 0 && height > 0 && has_box) width = height * box_width / box_height;
    if (height <= 0 && width > 0 && has_box) height = width * box_height / box_width;
    if (width <= 0 && height <= 0) width = box_width, height = box_height;
    return set(out, "image/svg+xml", width, height);
}

bool image_size_of(image_size *out, str head) {
    static const struct {
        const char *magic;
        size_t len;
        bool (*read)(image_size *out, str s);
    } kinds[] = {
        {"\x89PNG\r\n\x1a\n", 8, png},
        {"\xFF\xD8\xFF", 3, jpeg},
        {"GIF87a", 6, gif},
        {"GIF89a", 6, gif},
        {"RIFF", 4, webp},
    };
    for (size_t i = 0; i < countof(kinds); i++)
        if (str_starts(head, (str){kinds[i].magic, kinds[i].len})) return kinds[i].read(out, head);
    return svg(out, head);
}
