// families/unit.c -- {{convert|10|km|mi}}: a quantity and what it is in other units.
//
// Every unit has a scale to the SI unit of its kind, and an offset for temperatures. How many
// digits the result has follows the template's module: as exact as the input, two at least.
//
// I1  rows of units are searched in order: a code stands once
// Source: en.wikipedia.org/wiki/Help:Convert, Help:Convert_units, Module:Convert (its rules, as
//         documented)

#include "families/inside.h"

#include <math.h>

enum { VALUES_MAX = 4, OUT_MAX = 3 };

typedef struct unit {
    const char *code, *symbol, *one, *many, *other;  // other: code of the usual target
    double scale, offset;                            // SI = (value - offset) * scale
    char kind;
} unit;

#define DEG "\xc2\xb0"
#define SQ  "<sup>2</sup>"
#define CU  "<sup>3</sup>"

// clang-format off
static const unit units[] = {
    {"km", "km", "kilometre", "kilometres", "mi", 1000, 0, 'l'},
    {"m", "m", "metre", "metres", "ft", 1, 0, 'l'},
    {"cm", "cm", "centimetre", "centimetres", "in", 0.01, 0, 'l'},
    {"mm", "mm", "millimetre", "millimetres", "in", 0.001, 0, 'l'},
    {"dm", "dm", "decimetre", "decimetres", "in", 0.1, 0, 'l'},
    {"um", "\xce\xbcm", "micrometre", "micrometres", "in", 1e-6, 0, 'l'},
    {"\xce\xbcm", "\xce\xbcm", "micrometre", "micrometres", "in", 1e-6, 0, 'l'},
    {"nm", "nm", "nanometre", "nanometres", "in", 1e-9, 0, 'l'},
    {"mi", "mi", "mile", "miles", "km", 1609.344, 0, 'l'},
    {"mile", "mi", "mile", "miles", "km", 1609.344, 0, 'l'},
    {"miles", "mi", "mile", "miles", "km", 1609.344, 0, 'l'},
    {"yd", "yd", "yard", "yards", "m", 0.9144, 0, 'l'},
    {"ft", "ft", "foot", "feet", "m", 0.3048, 0, 'l'},
    {"foot", "ft", "foot", "foot", "m", 0.3048, 0, 'l'},
    {"in", "in", "inch", "inches", "mm", 0.0254, 0, 'l'},
    {"inch", "in", "inch", "inches", "mm", 0.0254, 0, 'l'},
    {"nmi", "nmi", "nautical mile", "nautical miles", "km", 1852, 0, 'l'},
    {"fathom", "fathom", "fathom", "fathoms", "m", 1.8288, 0, 'l'},
    {"furlong", "furlong", "furlong", "furlongs", "m", 201.168, 0, 'l'},
    {"chain", "chain", "chain", "chains", "m", 20.1168, 0, 'l'},
    {"hand", "h", "hand", "hands", "in", 0.1016, 0, 'l'},
    {"AU", "AU", "astronomical unit", "astronomical units", "km", 149597870700., 0, 'l'},
    {"ly", "ly", "light-year", "light-years", "km", 9460730472580800., 0, 'l'},
    {"pc", "pc", "parsec", "parsecs", "ly", 3.0856775814913673e16, 0, 'l'},
    {"kpc", "kpc", "kiloparsec", "kiloparsecs", "ly", 3.0856775814913673e19, 0, 'l'},
    {"km2", "km" SQ, "square kilometre", "square kilometres", "sqmi", 1e6, 0, 'a'},
    {"sqkm", "km" SQ, "square kilometre", "square kilometres", "sqmi", 1e6, 0, 'a'},
    {"m2", "m" SQ, "square metre", "square metres", "sqft", 1, 0, 'a'},
    {"sqm", "m" SQ, "square metre", "square metres", "sqft", 1, 0, 'a'},
    {"cm2", "cm" SQ, "square centimetre", "square centimetres", "sqin", 1e-4, 0, 'a'},
    {"mm2", "mm" SQ, "square millimetre", "square millimetres", "sqin", 1e-6, 0, 'a'},
    {"ha", "ha", "hectare", "hectares", "acre", 1e4, 0, 'a'},
    {"acre", "acre", "acre", "acres", "ha", 4046.8564224, 0, 'a'},
    {"acres", "acre", "acre", "acres", "ha", 4046.8564224, 0, 'a'},
    {"sqmi", "sq&#160;mi", "square mile", "square miles", "km2", 2589988.110336, 0, 'a'},
    {"mi2", "sq&#160;mi", "square mile", "square miles", "km2", 2589988.110336, 0, 'a'},
    {"sqyd", "sq&#160;yd", "square yard", "square yards", "m2", 0.83612736, 0, 'a'},
    {"sqft", "sq&#160;ft", "square foot", "square feet", "m2", 0.09290304, 0, 'a'},
    {"ft2", "sq&#160;ft", "square foot", "square feet", "m2", 0.09290304, 0, 'a'},
    {"sqin", "sq&#160;in", "square inch", "square inches", "cm2", 0.00064516, 0, 'a'},
    {"L", "L", "litre", "litres", "impgal", 0.001, 0, 'v'},
    {"l", "l", "litre", "litres", "impgal", 0.001, 0, 'v'},
    {"mL", "mL", "millilitre", "millilitres", "impfloz", 1e-6, 0, 'v'},
    {"ml", "ml", "millilitre", "millilitres", "impfloz", 1e-6, 0, 'v'},
    {"hL", "hL", "hectolitre", "hectolitres", "impgal", 0.1, 0, 'v'},
    {"m3", "m" CU, "cubic metre", "cubic metres", "cuft", 1, 0, 'v'},
    {"km3", "km" CU, "cubic kilometre", "cubic kilometres", "cumi", 1e9, 0, 'v'},
    {"cm3", "cm" CU, "cubic centimetre", "cubic centimetres", "cuin", 1e-6, 0, 'v'},
    {"cc", "cc", "cubic centimetre", "cubic centimetres", "cuin", 1e-6, 0, 'v'},
    {"cuft", "cu&#160;ft", "cubic foot", "cubic feet", "m3", 0.028316846592, 0, 'v'},
    {"cuin", "cu&#160;in", "cubic inch", "cubic inches", "cm3", 1.6387064e-5, 0, 'v'},
    {"cuyd", "cu&#160;yd", "cubic yard", "cubic yards", "m3", 0.764554857984, 0, 'v'},
    {"cumi", "cu&#160;mi", "cubic mile", "cubic miles", "km3", 4168181825.440579584, 0, 'v'},
    {"USgal", "US&#160;gal", "US gallon", "US gallons", "L", 0.003785411784, 0, 'v'},
    {"usgal", "US&#160;gal", "US gallon", "US gallons", "L", 0.003785411784, 0, 'v'},
    {"gal", "gal", "gallon", "gallons", "L", 0.00454609, 0, 'v'},
    {"impgal", "imp&#160;gal", "imperial gallon", "imperial gallons", "L", 0.00454609, 0, 'v'},
    {"impfloz", "imp&#160;fl&#160;oz", "imperial fluid ounce", "imperial fluid ounces", "mL",
     2.84130625e-5, 0, 'v'},
    {"USfloz", "US&#160;fl&#160;oz", "US fluid ounce", "US fluid ounces", "mL", 2.95735295625e-5, 0,
     'v'},
    {"oilbbl", "bbl", "barrel", "barrels", "m3", 0.158987294928, 0, 'v'},
    {"oilbbl/d", "bbl/d", "barrel per day", "barrels per day", "m3/d", 0.158987294928 / 86400, 0,
     'f'},
    {"oilbbl/y", "bbl/a", "barrel per year", "barrels per year", "m3/y",
     0.158987294928 / 31557600, 0, 'f'},
    {"m3/d", "m" CU "/d", "cubic metre per day", "cubic metres per day", "cuft/s", 1. / 86400, 0,
     'f'},
    {"m3/y", "m" CU "/a", "cubic metre per year", "cubic metres per year", "cuft/s",
     1. / 31557600, 0, 'f'},
    {"m3/s", "m" CU "/s", "cubic metre per second", "cubic metres per second", "cuft/s", 1, 0, 'f'},
    {"cuft/s", "cu&#160;ft/s", "cubic foot per second", "cubic feet per second", "m3/s",
     0.028316846592, 0, 'f'},
    {"kg", "kg", "kilogram", "kilograms", "lb", 1, 0, 'm'},
    {"g", "g", "gram", "grams", "oz", 0.001, 0, 'm'},
    {"mg", "mg", "milligram", "milligrams", "gr", 1e-6, 0, 'm'},
    {"t", "t", "tonne", "tonnes", "LT", 1000, 0, 'm'},
    {"tonne", "t", "tonne", "tonnes", "LT", 1000, 0, 'm'},
    {"MT", "t", "metric ton", "metric tons", "LT", 1000, 0, 'm'},
    {"lb", "lb", "pound", "pounds", "kg", 0.45359237, 0, 'm'},
    {"lbs", "lb", "pound", "pounds", "kg", 0.45359237, 0, 'm'},
    {"oz", "oz", "ounce", "ounces", "g", 0.028349523125, 0, 'm'},
    {"ozt", "ozt", "troy ounce", "troy ounces", "g", 0.0311034768, 0, 'm'},
    {"gr", "gr", "grain", "grains", "g", 6.479891e-5, 0, 'm'},
    {"st", "st", "stone", "stone", "kg", 6.35029318, 0, 'm'},
    {"LT", "long tons", "long ton", "long tons", "t", 1016.0469088, 0, 'm'},
    {"long ton", "long tons", "long ton", "long tons", "t", 1016.0469088, 0, 'm'},
    {"ST", "short tons", "short ton", "short tons", "t", 907.18474, 0, 'm'},
    {"short ton", "short tons", "short ton", "short tons", "t", 907.18474, 0, 'm'},
    {"C", DEG "C", "degree Celsius", "degrees Celsius", "F", 1, -273.15, 't'},
    {DEG "C", DEG "C", "degree Celsius", "degrees Celsius", "F", 1, -273.15, 't'},
    {"F", DEG "F", "degree Fahrenheit", "degrees Fahrenheit", "C", 5. / 9, -459.67, 't'},
    {DEG "F", DEG "F", "degree Fahrenheit", "degrees Fahrenheit", "C", 5. / 9, -459.67, 't'},
    {"K", "K", "kelvin", "kelvins", "F", 1, 0, 't'},
    {"C-change", DEG "C", "degree Celsius", "degrees Celsius", "F-change", 1, 0, 'd'},
    {"F-change", DEG "F", "degree Fahrenheit", "degrees Fahrenheit", "C-change", 5. / 9, 0, 'd'},
    {"km/h", "km/h", "kilometre per hour", "kilometres per hour", "mph", 1 / 3.6, 0, 's'},
    {"kmh", "km/h", "kilometre per hour", "kilometres per hour", "mph", 1 / 3.6, 0, 's'},
    {"mph", "mph", "mile per hour", "miles per hour", "km/h", 0.44704, 0, 's'},
    {"m/s", "m/s", "metre per second", "metres per second", "ft/s", 1, 0, 's'},
    {"km/s", "km/s", "kilometre per second", "kilometres per second", "mi/s", 1000, 0, 's'},
    {"mi/s", "mi/s", "mile per second", "miles per second", "km/s", 1609.344, 0, 's'},
    {"ft/s", "ft/s", "foot per second", "feet per second", "m/s", 0.3048, 0, 's'},
    {"kn", "kn", "knot", "knots", "km/h", 1852. / 3600, 0, 's'},
    {"knot", "kn", "knot", "knots", "km/h", 1852. / 3600, 0, 's'},
    {"W", "W", "watt", "watts", "hp", 1, 0, 'p'},
    {"kW", "kW", "kilowatt", "kilowatts", "hp", 1000, 0, 'p'},
    {"MW", "MW", "megawatt", "megawatts", "hp", 1e6, 0, 'p'},
    {"hp", "hp", "horsepower", "horsepower", "kW", 745.69987158227, 0, 'p'},
    {"bhp", "bhp", "brake horsepower", "brake horsepower", "kW", 745.69987158227, 0, 'p'},
    {"PS", "PS", "metric horsepower", "metric horsepower", "kW", 735.49875, 0, 'p'},
    {"J", "J", "joule", "joules", "ftlbf", 1, 0, 'e'},
    {"kJ", "kJ", "kilojoule", "kilojoules", "kcal", 1000, 0, 'e'},
    {"MJ", "MJ", "megajoule", "megajoules", "kWh", 1e6, 0, 'e'},
    {"kcal", "kcal", "kilocalorie", "kilocalories", "kJ", 4184, 0, 'e'},
    {"cal", "cal", "calorie", "calories", "J", 4.184, 0, 'e'},
    {"kWh", "kWh", "kilowatt-hour", "kilowatt-hours", "MJ", 3.6e6, 0, 'e'},
    {"ftlbf", "ft\xe2\x8b\x85lbf", "foot-pound", "foot-pounds", "J", 1.3558179483314004, 0, 'e'},
    {"Pa", "Pa", "pascal", "pascals", "psi", 1, 0, 'P'},
    {"kPa", "kPa", "kilopascal", "kilopascals", "psi", 1000, 0, 'P'},
    {"MPa", "MPa", "megapascal", "megapascals", "psi", 1e6, 0, 'P'},
    {"GPa", "GPa", "gigapascal", "gigapascals", "psi", 1e9, 0, 'P'},
    {"hPa", "hPa", "hectopascal", "hectopascals", "inHg", 100, 0, 'P'},
    {"bar", "bar", "bar", "bars", "kPa", 1e5, 0, 'P'},
    {"mbar", "mbar", "millibar", "millibars", "inHg", 100, 0, 'P'},
    {"atm", "atm", "standard atmosphere", "standard atmospheres", "kPa", 101325, 0, 'P'},
    {"psi", "psi", "pound per square inch", "pounds per square inch", "kPa", 6894.757293168361, 0,
     'P'},
    {"inHg", "inHg", "inch of mercury", "inches of mercury", "kPa", 3386.389, 0, 'P'},
    {"mmHg", "mmHg", "millimetre of mercury", "millimetres of mercury", "kPa", 133.322387415, 0,
     'P'},
    {"N", "N", "newton", "newtons", "lbf", 1, 0, 'F'},
    {"kN", "kN", "kilonewton", "kilonewtons", "lbf", 1000, 0, 'F'},
    {"lbf", "lbf", "pound-force", "pounds-force", "N", 4.4482216152605, 0, 'F'},
    {"/km2", "/km" SQ, "per square kilometre", "per square kilometre", "/sqmi", 1e-6, 0, 'n'},
    {"PD/km2", "/km" SQ, "inhabitant per square kilometre", "inhabitants per square kilometre",
     "/sqmi", 1e-6, 0, 'n'},
    {"/sqmi", "/sq&#160;mi", "per square mile", "per square mile", "/km2", 1 / 2589988.110336, 0,
     'n'},
    {"PD/sqmi", "/sq&#160;mi", "inhabitant per square mile", "inhabitants per square mile", "/km2",
     1 / 2589988.110336, 0, 'n'},
    {"g/cm3", "g/cm" CU, "gram per cubic centimetre", "grams per cubic centimetre", "lb/cuin", 1000,
     0, 'D'},
    {"kg/m3", "kg/m" CU, "kilogram per cubic metre", "kilograms per cubic metre", "lb/cuft", 1, 0,
     'D'},
    {"lb/cuft", "lb/cu&#160;ft", "pound per cubic foot", "pounds per cubic foot", "kg/m3",
     16.018463373960142, 0, 'D'},
    {"lb/cuin", "lb/cu&#160;in", "pound per cubic inch", "pounds per cubic inch", "g/cm3",
     27679.904710203, 0, 'D'},
    {"Nm", "N\xe2\x8b\x85m", "newton-metre", "newton-metres", "lbft", 1, 0, 'T'},
    {"lbft", "lb\xe2\x8b\x85""ft", "pound-foot", "pound-feet", "Nm", 1.3558179483314004, 0, 'T'},
};
// clang-format on

static const unit *unit_of(str code) {
    for (size_t i = 0; i < countof(units); i++)
        if (str_eq(code, str_of(units[i].code))) return &units[i];
    return NULL;
}

// --- Reading the call -----------------------------------------------------------------------

typedef struct quantity {
    double value;
    str text;      // as written, without commas
    str join;      // what stands behind it: "to", "x"
    int decimals;  // below zero: zeros at the end of an integer
} quantity;

typedef struct convert {
    wt_deg *d;
    quantity in[VALUES_MAX];
    size_t n_in, n_out;
    const unit *unit, *out[OUT_MAX];
    int64_t round;  // decimals asked for
    bool has_round, is_short_in, is_long_out, is_adjective;
} convert;

static bool read_quantity(quantity *q, str text) {
    char digits[40];
    size_t n = 0, dot = SIZE_MAX;
    double sign = 1;
    str minus = STR("\xe2\x88\x92");
    text = str_trim(text);
    if (str_starts(text, minus) || str_starts(text, STR("-"))) {
        sign = -1;
        text = str_skip(text, text.ptr[0] == '-' ? 1 : minus.len);
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ',') continue;
        if (n + 1 >= sizeof digits || !strchr("0123456789.", c) || !c) return false;
        if (c == '.') dot = n;
        digits[n++] = c;
    }
    if (!str_parse_f64(&q->value, (str){digits, n})) return false;
    size_t zeros = 0;
    while (dot == SIZE_MAX && zeros + 1 < n && digits[n - 1 - zeros] == '0')
        zeros++;
    q->decimals = dot == SIZE_MAX ? -(int)zeros : (int)(n - dot - 1);
    q->value *= sign;
    return true;
}

static bool is_join(str text) {
    static const char *const words[] = {"to", "-",   "\xe2\x80\x93", "and",   "x",        "by",
                                        "or", "+/-", "\xc3\x97",     "to(-)", "\xc2\xb1", "+"};
    for (size_t i = 0; i < countof(words); i++)
        if (str_eq(text, str_of(words[i]))) return true;
    return false;
}

// "km", or several in one: "mi nmi".
static bool read_targets(convert *c, str text) {
    size_t n = 0;
    const unit *whole = unit_of(text), *found[OUT_MAX];
    if (whole) {
        c->out[c->n_out++] = whole;
        return true;
    }
    while (text.len) {
        str one = str_cut(&text, ' ');
        if (!one.len) continue;
        if (n == OUT_MAX || !(found[n++] = unit_of(one))) return false;
    }
    for (size_t i = 0; i < n; i++)
        c->out[c->n_out++] = found[i];
    return n > 0;
}

static bool read_convert(convert *c) {
    unsigned i = 1;
    while (c->n_in < VALUES_MAX && read_quantity(&c->in[c->n_in], wt_deg_at(c->d, i))) {
        quantity *q = &c->in[c->n_in++];
        q->text = wt_deg_at(c->d, i++);
        if (!is_join(wt_deg_at(c->d, i))) break;
        q->join = wt_deg_at(c->d, i++);
    }
    c->unit = unit_of(wt_deg_at(c->d, i++));
    if (!c->n_in || !c->unit) return false;
    str next = wt_deg_at(c->d, i);
    if (next.len && read_targets(c, next)) {
        next = wt_deg_at(c->d, ++i);
    } else if (next.len && !str_parse_i64(&c->round, next)) {
        return false;
    } else {
        c->out[c->n_out++] = unit_of(str_of(c->unit->other));
    }
    if (next.len) c->has_round = str_parse_i64(&c->round, next);
    if (c->round > 12 || c->round < -12) c->has_round = false;
    for (size_t k = 0; k < c->n_out; k++)
        if (!c->out[k] || c->out[k]->kind != c->unit->kind) return false;
    str abbr = wt_deg_get(c->d, STR("abbr")), adj = wt_deg_get(c->d, STR("adj"));
    bool is_degree = c->unit->kind == 't' || c->unit->kind == 'd';
    c->is_short_in = is_degree || str_eq(abbr, STR("on")) || str_eq(abbr, STR("in")) ||
                     str_eq(abbr, STR("values")) || str_eq(c->d->name, STR("cvt"));
    c->is_long_out =
        str_eq(abbr, STR("off")) || str_eq(abbr, STR("in")) || str_eq(abbr, STR("none"));
    if (is_degree) c->is_long_out = false;
    c->is_adjective = str_eq(adj, STR("on")) || str_eq(adj, STR("mid"));
    return true;
}

// --- Counting -------------------------------------------------------------------------------

static double converted(const unit *from, const unit *to, double value) {
    return (value - from->offset) * from->scale / to->scale + to->offset;
}

static int decimals_of(const convert *c, const quantity *q, const unit *to) {
    static const double fudge = 1e-14;
    double out = fabs(converted(c->unit, to, q->value)), adjust = 0;
    int64_t figures;
    if (c->has_round) return (int)c->round;
    if (str_parse_i64(&figures, wt_deg_get(c->d, STR("sigfig"))) && figures > 0 && figures < 15)
        return out > 0 ? (int)figures - 1 - (int)floor(log10(out) + fudge) : 0;
    int least;
    if (c->unit->kind == 't') {
        double kelvin = fabs((q->value - c->unit->offset) * c->unit->scale);
        least = kelvin < 1e-8 ? 2 : 2 - (int)floor(log10(kelvin) + fudge);
    } else {
        if (q->value == 0 || out <= 0) return 0;
        adjust = log10(fabs(q->value / out)) + log10(2);
        least = 1 - (int)floor(log10(out) + fudge);
    }
    int exact = (int)floor(q->decimals + adjust);
    return exact > least ? exact : least;
}

// --- Writing --------------------------------------------------------------------------------

static void put_unit(wt_deg *d, const unit *u, bool is_short, bool is_one, bool is_adjective) {
    bool is_joined = u->symbol[0] == '/' && is_short;
    if (!is_joined) wt_deg_put(d, is_adjective && !is_short ? "-" : is_short ? "&#160;" : " ");
    bool is_american = wt_deg_is(d, "sp", "us");
    const char *name = is_one || is_adjective ? u->one : u->many;
    if (is_short) return wt_deg_put(d, u->symbol);
    for (const char *p = name; *p; p++) {
        bool is_tre = is_american && (!strncmp(p, "metre", 5) || !strncmp(p, "litre", 5));
        if (is_tre) {
            wt_deg_put(d, *p == 'm' ? "meter" : "liter");
            p += 4;
        } else {
            buf_byte(d->out, is_adjective && *p == ' ' ? '-' : *p);
        }
    }
}

static void put_join(wt_deg *d, str join) {
    if (!join.len) return;
    if (str_eq(join, STR("-")) || str_eq(join, STR("\xe2\x80\x93")))
        return wt_deg_put(d, "\xe2\x80\x93");
    wt_deg_put(d, " ");
    wt_deg_add(d, str_eq(join, STR("x")) ? STR("\xc3\x97") : join);
    wt_deg_put(d, " ");
}

static void put_input(const convert *c) {
    for (size_t i = 0; i < c->n_in; i++) {
        double value = c->in[i].value;
        int decimals = c->in[i].decimals > 0 ? c->in[i].decimals : 0;
        wt_deg_amount(c->d, value, decimals);
        if (i + 1 < c->n_in) put_join(c->d, c->in[i].join);
    }
    put_unit(c->d, c->unit, c->is_short_in, c->in[c->n_in - 1].value == 1, c->is_adjective);
}

static void put_output(const convert *c, const unit *to) {
    bool is_one = false;
    int decimals = decimals_of(c, &c->in[0], to);
    for (size_t i = 1; i < c->n_in; i++) {  // both ends of a range alike
        int more = decimals_of(c, &c->in[i], to);
        if (more > decimals) decimals = more;
    }
    for (size_t i = 0; i < c->n_in; i++) {
        double value = converted(c->unit, to, c->in[i].value);
        wt_deg_amount(c->d, value, decimals);
        is_one = fabs(value) == 1;
        if (i + 1 < c->n_in) put_join(c->d, c->in[i].join);
    }
    put_unit(c->d, to, !c->is_long_out, is_one, c->is_adjective && c->is_long_out);
}

// "5 ft 10 in": two units of the input.
static bool put_feet_and_inches(wt_deg *d) {
    quantity feet, inches;
    if (!read_quantity(&feet, wt_deg_at(d, 1)) || !wt_deg_is(d, "2", "ft") ||
        !read_quantity(&inches, wt_deg_at(d, 3)) || !wt_deg_is(d, "4", "in"))
        return false;
    double metres = feet.value * 0.3048 + inches.value * 0.0254;
    bool in_cm = wt_deg_is(d, "5", "cm");
    wt_deg_amount(d, feet.value, 0);
    wt_deg_put(d, wt_deg_is(d, "abbr", "on") ? "&#160;ft " : " feet ");
    wt_deg_amount(d, inches.value, inches.decimals > 0 ? inches.decimals : 0);
    wt_deg_put(d, wt_deg_is(d, "abbr", "on") ? "&#160;in (" : " inches (");
    wt_deg_amount(d, in_cm ? metres * 100 : metres, in_cm ? 0 : 2);
    wt_deg_put(d, in_cm ? "&#160;cm)" : "&#160;m)");
    return true;
}

void wt_deg_convert(wt_deg *d) {
    convert c = {.d = d};
    if (put_feet_and_inches(d)) return;
    if (!read_convert(&c)) return wt_deg_fill(d, "$1{&#160;$2}{ $3}{ $4}");
    str shown = wt_deg_get(d, STR("disp"));
    bool in_words = str_eq(shown, STR("or"));
    if (str_eq(shown, STR("output only")) || str_eq(shown, STR("out"))) {
        put_output(&c, c.out[0]);
        return;
    }
    bool is_swapped =
        str_eq(wt_deg_get(d, STR("order")), STR("flip")) || str_eq(shown, STR("flip"));
    if (is_swapped) {
        bool is_long = c.is_long_out;
        c.is_long_out = !c.is_short_in;
        put_output(&c, c.out[0]);
        c.is_long_out = is_long;
        c.is_short_in = !is_long;
    } else {
        put_input(&c);
    }
    wt_deg_put(d, in_words ? " or " : " (");
    for (size_t i = 0; i < c.n_out; i++) {
        if (i) wt_deg_put(d, "; ");
        if (is_swapped)
            put_input(&c);
        else
            put_output(&c, c.out[i]);
        if (is_swapped) break;
    }
    if (!in_words) wt_deg_put(d, ")");
}
