// Rejected: numbers in braces where a length in all is bounded (253 characters of a host name):
// less is let through instead.

#include "schema/format.h"

#define YEAR      "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
#define LEAP_4    "(0[48]|[2468][048]|[13579][26])"
#define LEAP      "([0-9]{2}" LEAP_4 "|" LEAP_4 "00)"
#define DAY_28    "(0[1-9]|1[0-9]|2[0-8])"
#define DAY_30    "(0[1-9]|[12][0-9]|30)"
#define DAY_31    "(0[1-9]|[12][0-9]|3[01])"
#define MONTH_DAY "((0[13578]|1[02])-" DAY_31 "|(0[469]|11)-" DAY_30 "|02-" DAY_28 ")"
#define DATE      "(" YEAR "-" MONTH_DAY "|" LEAP "-02-29)"
#define HOUR_MIN  "([01][0-9]|2[0-3]):[0-5][0-9]"
#define TIME      HOUR_MIN ":[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]" HOUR_MIN ")"

#define DUR_TIME "T([0-9]{1,9}H([0-9]{1,9}M([0-9]{1,9}S)?)?|[0-9]{1,9}M([0-9]{1,9}S)?|[0-9]{1,9}S)"
#define DUR_DATE "([0-9]{1,9}Y([0-9]{1,9}M([0-9]{1,9}D)?)?|[0-9]{1,9}M([0-9]{1,9}D)?|[0-9]{1,9}D)"
#define DURATION "P(" DUR_DATE "(" DUR_TIME ")?|" DUR_TIME "|[0-9]{1,9}W)"

#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IPV4  OCTET "(\\." OCTET "){3}"
#define H16   "[0-9A-Fa-f]{1,4}"
#define LS32  "(" H16 ":" H16 "|" IPV4 ")"
#define IPV6                                                                                       \
    "((" H16 ":){6}" LS32 "|::(" H16 ":){5}" LS32 "|(" H16 ")?::(" H16 ":){4}" LS32 "|((" H16      \
    ":)?" H16 ")?::(" H16 ":){3}" LS32 "|((" H16 ":){0,2}" H16 ")?::(" H16 ":){2}" LS32 "|((" H16  \
    ":){0,3}" H16 ")?::" H16 ":" LS32 "|((" H16 ":){0,4}" H16 ")?::" LS32 "|((" H16 ":){0,5}" H16  \
    ")?::" H16 "|((" H16 ":){0,6}" H16 ")?::)"

#define LABEL "[A-Za-z0-9](-?[A-Za-z0-9]){0,30}"
#define HOST  LABEL "(\\." LABEL "){0,3}"
#define ATOM  "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}"
#define EMAIL ATOM "(\\." ATOM "){0,2}@" HOST

#define PCHAR     "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
#define USER      "(([A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?"
#define AUTHORITY USER "([A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+(:[0-9]{1,4})?"
#define PATH      "(/" PCHAR "*)*"
#define REST      "(\\?(" PCHAR "|[/?])*)?(#(" PCHAR "|[/?])*)?"
#define URI       "[A-Za-z][A-Za-z0-9+.-]*:(//" AUTHORITY PATH "|(/?" PCHAR "+" PATH "))" REST

#define X4 "[0-9A-Fa-f]{4}"

static const struct {
    str name, regex;
} formats[] = {
    {STR_INIT("date"), STR_INIT(DATE)},
    {STR_INIT("time"), STR_INIT(TIME)},
    {STR_INIT("date-time"), STR_INIT(DATE "T" TIME)},
    {STR_INIT("duration"), STR_INIT(DURATION)},
    {STR_INIT("email"), STR_INIT(EMAIL)},
    {STR_INIT("hostname"), STR_INIT(HOST)},
    {STR_INIT("ipv4"), STR_INIT(IPV4)},
    {STR_INIT("ipv6"), STR_INIT(IPV6)},
    {STR_INIT("uri"), STR_INIT(URI)},
    {STR_INIT("uuid"), STR_INIT(X4 X4 "-" X4 "-" X4 "-" X4 "-" X4 X4 X4)},
    {STR_INIT("json-pointer"), STR_INIT("(/([^/~]|~[01])*)*")},
};

str format_regex(str name) {
    for (size_t i = 0; i < countof(formats); i++)
        if (str_eq(name, formats[i].name)) return formats[i].regex;
    return STR("");
}
