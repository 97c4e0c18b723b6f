// jinja/filter.h -- filters, for the table of them (filter.c).
//
//   Source    Jinja 3.1: filters.py; markupsafe; transformers' tojson
#ifndef JINJA_FILTER_H
#define JINJA_FILTER_H

#include "jinja/method.h"

jinja_fn filter_capitalize, filter_center, filter_escape, filter_filesizeformat, filter_float,
    filter_forceescape, filter_format, filter_indent, filter_int, filter_join, filter_lower,
    filter_pprint, filter_replace, filter_safe, filter_string, filter_striptags, filter_title,
    filter_tojson, filter_trim, filter_truncate, filter_upper, filter_urlencode, filter_wordcount,
    filter_xmlattr;
jinja_fn filter_attr, filter_batch, filter_dictsort, filter_first, filter_groupby, filter_items,
    filter_last, filter_list, filter_map, filter_max, filter_min, filter_reject, filter_rejectattr,
    filter_reverse, filter_select, filter_selectattr, filter_slice, filter_sort, filter_sum,
    filter_unique;

bool filter_flag(jrun *r, jv v, bool missing);

#endif
