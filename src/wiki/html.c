#include "wiki/wiki.h"
bool wiki_html(buf *out, str wikitext, str model, const wiki_html_options *o, arena scratch) {
    (void)model, (void)o, (void)scratch;
    buf_add(out, STR("<pre>"));
    buf_html(out, wikitext);
    buf_add(out, STR("</pre>"));
    return !out->failed;
}
