// html/html.h -- HTML as a language: references, styles, escaping, the tree a browser builds.
//
// It knows nothing of wikitext. What is open where it may not be, closed twice, or never, comes out
// of html_tidy as a browser would show it, balanced.
//
//   Owner     results are in the buf or the arena that is given
//   Threads   pure functions over immutable tables; any
//   Limits    all linear in the text; the tree is at most TREE_DEPTH_MAX deep (tree.h)
//   Errors    none: every text is some HTML
//   Source    https://html.spec.whatwg.org/multipage/parsing.html, named-characters.html; CSS Syntax 3
#ifndef HTML_HTML_H
#define HTML_HTML_H

#include "base/buf.h"

// A fragment of a body as the tree that a browser builds of it, written again, with paragraphs
// around what stands bare in the body or in a blockquote (as RemexHtml does for MediaWiki).
void html_tidy(buf *out, str html, arena scratch);

// "&" that starts no reference becomes "&amp;"; references are written in one way.
void html_charrefs(buf *out, str in);
// References decoded to UTF-8; in `a`, or `in` itself when there are none.
str html_decode(str in, arena *a);
bool html_entity(int32_t cp[2], str name);  // "nbsp"; without & and ;
void html_escape(buf *out, str text);       // & < > " as htmlspecialchars; ' as &#039;

// ids as HTML5 has them: spaces to "_"; for attributes still to be escaped.
str html_id(str text, arena *a);
// Text for a fragment in a URL.
void html_fragment(buf *out, str id);

// A style made harmless, or "/* insecure input */"; in `a`.
str html_css(str style, arena *a);

#endif
