// families/place.c -- countries with their flags, and coordinates.
//
// A flag is the picture that Wikipedia has for the country where the world has the file, and else
// the pair of letters that fonts draw as a flag.
//
// I1  countries are sorted by name, byte by byte
// Source: ISO 3166-1; en.wikipedia.org/wiki/Template:Coord

#include "families/inside.h"

// "FR FRA France", sorted by name.
static const char *const countries[] = {
    "AF AFG Afghanistan",
    "AL ALB Albania",
    "DZ DZA Algeria",
    "AD AND Andorra",
    "AO AGO Angola",
    "AG ATG Antigua and Barbuda",
    "AR ARG Argentina",
    "AM ARM Armenia",
    "AU AUS Australia",
    "AT AUT Austria",
    "AZ AZE Azerbaijan",
    "BS BHS Bahamas",
    "BH BHR Bahrain",
    "BD BGD Bangladesh",
    "BB BRB Barbados",
    "BY BLR Belarus",
    "BE BEL Belgium",
    "BZ BLZ Belize",
    "BJ BEN Benin",
    "BM BMU Bermuda",
    "BT BTN Bhutan",
    "BO BOL Bolivia",
    "BA BIH Bosnia and Herzegovina",
    "BW BWA Botswana",
    "BR BRA Brazil",
    "BN BRN Brunei",
    "BG BGR Bulgaria",
    "BF BFA Burkina Faso",
    "BI BDI Burundi",
    "KH KHM Cambodia",
    "CM CMR Cameroon",
    "CA CAN Canada",
    "CV CPV Cape Verde",
    "CF CAF Central African Republic",
    "TD TCD Chad",
    "CL CHL Chile",
    "CN CHN China",
    "CO COL Colombia",
    "KM COM Comoros",
    "CR CRI Costa Rica",
    "HR HRV Croatia",
    "CU CUB Cuba",
    "CY CYP Cyprus",
    "CZ CZE Czech Republic",
    "CD COD Democratic Republic of the Congo",
    "DK DNK Denmark",
    "DJ DJI Djibouti",
    "DM DMA Dominica",
    "DO DOM Dominican Republic",
    "TL TLS East Timor",
    "EC ECU Ecuador",
    "EG EGY Egypt",
    "SV SLV El Salvador",
    "GQ GNQ Equatorial Guinea",
    "ER ERI Eritrea",
    "EE EST Estonia",
    "SZ SWZ Eswatini",
    "ET ETH Ethiopia",
    "EU EUR European Union",
    "FO FRO Faroe Islands",
    "FM FSM Federated States of Micronesia",
    "FJ FJI Fiji",
    "FI FIN Finland",
    "FR FRA France",
    "GA GAB Gabon",
    "GM GMB Gambia",
    "GE GEO Georgia",
    "DE DEU Germany",
    "GH GHA Ghana",
    "GI GIB Gibraltar",
    "GR GRC Greece",
    "GL GRL Greenland",
    "GD GRD Grenada",
    "GT GTM Guatemala",
    "GN GIN Guinea",
    "GW GNB Guinea-Bissau",
    "GY GUY Guyana",
    "HT HTI Haiti",
    "HN HND Honduras",
    "HK HKG Hong Kong",
    "HU HUN Hungary",
    "IS ISL Iceland",
    "IN IND India",
    "ID IDN Indonesia",
    "IR IRN Iran",
    "IQ IRQ Iraq",
    "IE IRL Ireland",
    "IM IMN Isle of Man",
    "IL ISR Israel",
    "IT ITA Italy",
    "CI CIV Ivory Coast",
    "JM JAM Jamaica",
    "JP JPN Japan",
    "JE JEY Jersey",
    "JO JOR Jordan",
    "KZ KAZ Kazakhstan",
    "KE KEN Kenya",
    "KI KIR Kiribati",
    "XK XKX Kosovo",
    "KW KWT Kuwait",
    "KG KGZ Kyrgyzstan",
    "LA LAO Laos",
    "LV LVA Latvia",
    "LB LBN Lebanon",
    "LS LSO Lesotho",
    "LR LBR Liberia",
    "LY LBY Libya",
    "LI LIE Liechtenstein",
    "LT LTU Lithuania",
    "LU LUX Luxembourg",
    "MO MAC Macau",
    "MG MDG Madagascar",
    "MW MWI Malawi",
    "MY MYS Malaysia",
    "MV MDV Maldives",
    "ML MLI Mali",
    "MT MLT Malta",
    "MH MHL Marshall Islands",
    "MR MRT Mauritania",
    "MU MUS Mauritius",
    "MX MEX Mexico",
    "MD MDA Moldova",
    "MC MCO Monaco",
    "MN MNG Mongolia",
    "ME MNE Montenegro",
    "MA MAR Morocco",
    "MZ MOZ Mozambique",
    "MM MMR Myanmar",
    "NA NAM Namibia",
    "NR NRU Nauru",
    "NP NPL Nepal",
    "NL NLD Netherlands",
    "NZ NZL New Zealand",
    "NI NIC Nicaragua",
    "NE NER Niger",
    "NG NGA Nigeria",
    "KP PRK North Korea",
    "MK MKD North Macedonia",
    "NO NOR Norway",
    "OM OMN Oman",
    "PK PAK Pakistan",
    "PW PLW Palau",
    "PS PSE Palestine",
    "PA PAN Panama",
    "PG PNG Papua New Guinea",
    "PY PRY Paraguay",
    "CN PRC People's Republic of China",
    "PE PER Peru",
    "PH PHL Philippines",
    "PL POL Poland",
    "PT PRT Portugal",
    "PR PRI Puerto Rico",
    "QA QAT Qatar",
    "MK MKD Republic of Macedonia",
    "CG COG Republic of the Congo",
    "RO ROU Romania",
    "RU RUS Russia",
    "RW RWA Rwanda",
    "KN KNA Saint Kitts and Nevis",
    "LC LCA Saint Lucia",
    "VC VCT Saint Vincent and the Grenadines",
    "WS WSM Samoa",
    "SM SMR San Marino",
    "SA SAU Saudi Arabia",
    "SN SEN Senegal",
    "RS SRB Serbia",
    "SC SYC Seychelles",
    "SL SLE Sierra Leone",
    "SG SGP Singapore",
    "SK SVK Slovakia",
    "SI SVN Slovenia",
    "SB SLB Solomon Islands",
    "SO SOM Somalia",
    "ZA ZAF South Africa",
    "KR KOR South Korea",
    "SS SSD South Sudan",
    "ES ESP Spain",
    "LK LKA Sri Lanka",
    "SD SDN Sudan",
    "SR SUR Suriname",
    "SE SWE Sweden",
    "CH CHE Switzerland",
    "SY SYR Syria",
    "ST STP São Tomé and Príncipe",
    "TW TWN Taiwan",
    "TJ TJK Tajikistan",
    "TZ TZA Tanzania",
    "TH THA Thailand",
    "TG TGO Togo",
    "TO TON Tonga",
    "TT TTO Trinidad and Tobago",
    "TN TUN Tunisia",
    "TR TUR Turkey",
    "TM TKM Turkmenistan",
    "TV TUV Tuvalu",
    "UG UGA Uganda",
    "UA UKR Ukraine",
    "AE ARE United Arab Emirates",
    "GB GBR United Kingdom",
    "US USA United States",
    "UY URY Uruguay",
    "UZ UZB Uzbekistan",
    "VU VUT Vanuatu",
    "VA VAT Vatican City",
    "VE VEN Venezuela",
    "VN VNM Vietnam",
    "YE YEM Yemen",
    "ZM ZMB Zambia",
    "ZW ZWE Zimbabwe",
};

// Codes of sports, and other names.
static const char *const aliases[][2] = {
    {"BUL", "BGR"},
    {"CHI", "CHL"},
    {"CRO", "HRV"},
    {"Czechia", "CZE"},
    {"DEN", "DNK"},
    {"GER", "DEU"},
    {"GRE", "GRC"},
    {"Great Britain", "GBR"},
    {"INA", "IDN"},
    {"LAT", "LVA"},
    {"NED", "NLD"},
    {"POR", "PRT"},
    {"RSA", "ZAF"},
    {"SLO", "SVN"},
    {"SPA", "ESP"},
    {"SUI", "CHE"},
    {"UK", "GBR"},
    {"US", "USA"},
    {"United States of America", "USA"},
    {"The Netherlands", "NLD"},
};

bool wt_country(const char **name, char code[3], str text) {
    for (size_t i = 0; i < countof(aliases); i++)
        if (str_eq(text, str_of(aliases[i][0]))) text = str_of(aliases[i][1]);
    size_t a = 0, b = countof(countries);
    const char *found = NULL;
    while (a < b && !found) {
        size_t mid = a + (b - a) / 2;
        int order = str_cmp(str_of(countries[mid] + 7), text);
        if (!order) found = countries[mid];
        if (order < 0)
            a = mid + 1;
        else
            b = mid;
    }
    for (size_t i = 0; !found && text.len == 3 && i < countof(countries); i++)
        if (str_eq((str){countries[i] + 3, 3}, text)) found = countries[i];
    if (!found) return false;
    *name = found + 7;
    memcpy(code, found, 2);
    code[2] = '\0';
    return true;
}

static void put_flag(wt_deg *d, const char *name, const char code[3]) {
    buf file;
    wt_file found;
    buf_init(&file, d->p->mem, 64);
    buf_add(&file, STR("Flag of "));
    buf_add(&file, str_of(name));
    buf_add(&file, STR(".svg"));
    bool is_there = d->p->world->file &&
                    d->p->world->file(d->p->world->arg, &found, buf_str(&file), 23, d->p->mem);
    wt_deg_put(d, "<span class=\"flagicon\" title=\"");
    wt_deg_put(d, name);
    wt_deg_put(d, "\">");
    if (is_there && found.url.len) {
        wt_deg_put(d, "[[File:");
        wt_deg_add(d, buf_str(&file));
        wt_deg_put(d, "|23px|border|link=|alt=");
        wt_deg_put(d, name);
        wt_deg_put(d, "]]");
    } else {  // regional indicators
        wt_deg_fmt(d, "&#%d;&#%d;", 0x1F1E6 + code[0] - 'A', 0x1F1E6 + code[1] - 'A');
    }
    wt_deg_put(d, "</span>");
}

// `with`: "icon" for the flag alone, "link" for flag and linked name, "name" for a plain name.
void wt_deg_flag(wt_deg *d) {
    const char *name;
    char code[3];
    bool by_name = str_eq(d->name, STR("flag")) || d->with[0] != 'c';
    str text = by_name ? wt_deg_any(d, "1|country", 0) : d->shown, label = wt_deg_any(d, "name", 0);
    bool is_known = wt_country(&name, code, text);
    if (is_known) put_flag(d, name, code);
    if (!strcmp(d->with, "icon")) {
        if (!is_known) wt_deg_fmt(d, "<span class=\"flagicon\">%.*s</span>", STR_ARG(text));
        return;
    }
    if (is_known) wt_deg_put(d, "&#160;");
    str target = is_known ? str_of(name) : text;
    if (!label.len) label = target;
    if (!strcmp(d->with, "name"))
        wt_deg_add(d, label);
    else
        wt_deg_link(d, target, label);
}

// --- Coordinates ----------------------------------------------------------------------------

typedef struct angle {
    str part[3];  // degrees, minutes, seconds, as written
    size_t n;
    char side;
} angle;

// Degrees, minutes and seconds up to a letter of `sides`, from argument *i on.
static bool read_angle(angle *out, const wt_deg *d, unsigned *i, const char *sides) {
    *out = (angle){0};
    for (; out->n < 4; ++*i) {
        str text = wt_deg_at(d, *i);
        double value;
        if (text.len == 1 && strchr(sides, text.ptr[0])) {
            out->side = text.ptr[0];
            ++*i;
            return out->n > 0;
        }
        if (out->n == 3 || !str_parse_f64(&value, text)) return false;
        out->part[out->n++] = text;
    }
    return false;
}

static void put_angle(wt_deg *d, const angle *a) {
    static const char *const marks[] = {"\xc2\xb0", "\xe2\x80\xb2", "\xe2\x80\xb3"};
    for (size_t i = 0; i < a->n; i++) {
        wt_deg_add(d, a->part[i]);
        wt_deg_put(d, marks[i]);
    }
    buf_byte(d->out, a->side);
}

static void put_params(buf *out, const angle *a) {
    for (size_t i = 0; i < a->n; i++) {
        buf_add(out, a->part[i]);
        buf_byte(out, '_');
    }
    buf_byte(out, a->side);
}

static bool decimal(angle *out, str text, const char *sides) {
    double value;
    if (!str_parse_f64(&value, text) || value < -180 || value > 180) return false;
    bool is_minus = text.ptr[0] == '-';
    *out = (angle){.part = {is_minus ? str_skip(text, 1) : text}, .n = 1, .side = sides[is_minus]};
    return true;
}

void wt_deg_coord(wt_deg *d) {
    angle lat, lon;
    unsigned i = 1;
    bool is_read = read_angle(&lat, d, &i, "NS") && read_angle(&lon, d, &i, "EW");
    if (!is_read)
        is_read = decimal(&lat, wt_deg_at(d, 1), "NS") && decimal(&lon, wt_deg_at(d, 2), "EW");
    if (!is_read) return wt_deg_fill(d, "$1{ $2}{ $3}{ $4}{ $5}{ $6}{ $7}{ $8}");
    buf url, words, *out = d->out;
    buf_init(&url, d->p->mem, 128);
    buf_add(&url, STR("https://geohack.toolforge.org/geohack.php?params="));
    put_params(&url, &lat);
    buf_byte(&url, '_');
    put_params(&url, &lon);
    buf_init(&words, d->p->mem, 64);
    d->out = &words;
    put_angle(d, &lat);
    wt_deg_put(d, " ");
    put_angle(d, &lon);
    buf link;
    buf_init(&link, d->p->mem, 256);
    d->out = &link;
    wt_deg_put(d, "<span class=\"geo-dms\">");
    wt_deg_url(d, buf_str(&url), buf_str(&words));
    wt_deg_put(d, "</span>");
    d->out = out;
    str display = wt_deg_any(d, "display|d", 0);
    bool in_title = str_find(display, STR("title")) < display.len;
    if (in_title)
        wt_deg_tag(d, STR("indicator"), STR(" name=\"coordinates\""), buf_str(&link), true);
    if (!in_title || str_find(display, STR("inline")) < display.len) wt_deg_add(d, buf_str(&link));
}
