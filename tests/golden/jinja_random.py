"""Random templates for `make_jinja.py random`: expressions and statements over the common variables, and broken ones."""
import random

NAMES = ["a", "b", "f", "z", "t", "n", "s", "u", "e", "w", "x", "l", "words", "d", "users", "nope", "d.nested", "users[0]", "deep"]
CONSTS = ["0", "1", "2", "-1", "3", "7", "0.5", "-2.5", "1e3", "true", "false", "none", "''", "'a'", "'Ab c'", "'é,ö'", "' x '", "'12'", "'a,b,c'",
          "[]", "[1, 2]", "(1,)", "()", "{}", "{'a': 1}", "{'b': [1], 2: none}", "'<&>'", "'x\\ny'", "range(4)", "[3, 'a']", "[[1, 2], [3]]"]
BINARY = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
FILTERS = ["abs", "capitalize", "count", "default('q')", "default('q', true)", "d(1)", "dictsort", "e", "first", "float", "int", "items|list", "join", "join('-')",
           "last", "length", "list", "lower", "max", "min", "replace('a', 'b')", "reverse", "round", "round(1)", "safe", "sort", "string", "sum", "title", "tojson",
           "trim", "unique|list", "upper", "wordcount", "map('string')|list", "map('upper')|join(',')", "select|list", "reject|list", "select('odd')|list",
           "map(attribute='name')|list", "selectattr('age')|list", "rejectattr('on')|list", "batch(2)|list", "slice(2)|list", "indent", "truncate(5)", "center(9)",
           "urlencode", "tojson(indent=1)", "groupby(0)|list", "sort(reverse=true)", "attr('upper')", "filesizeformat", "format(1)", "forceescape", "int(5)", "float(1.5)",
           "unique(true)|list", "max(true)", "sort(case_sensitive=true)", "reverse|list", "map('length')|list", "sum(start=2)", "join(', ', 'name')", "striptags", "xmlattr", "truncate(3, true, '')"]
TESTS = ["defined", "undefined", "none", "string", "number", "mapping", "sequence", "iterable", "integer", "float", "boolean", "odd", "even", "divisibleby 3",
         "eq 1", "ne 'a'", "gt 1", "in [1, 'a']", "lower", "upper", "true", "false", "callable", "sameas none", "escaped", "not none", "not string"]
METHODS = ["upper()", "lower()", "strip()", "split()", "split(',')", "split('a', 1)", "rsplit(' ', 1)", "replace('a', '')", "startswith('a')", "endswith(('c', 'd'))",
           "find('a')", "rfind('a')", "count('a')", "title()", "capitalize()", "swapcase()", "isdigit()", "isalpha()", "isspace()", "splitlines()", "partition(' ')",
           "join(['p', 'q'])", "format(1, 2)", "zfill(5)", "ljust(5)", "rjust(5, '.')", "center(6)", "lstrip('a ')", "rstrip('c')", "removeprefix('A')", "istitle()",
           "items()|list", "keys()|list", "values()|list", "get('a')", "get('a', 1)", "index(1)", "count(1)", "append(1)", "pop()", "copy()", "name", "nope", "one", "encode", "isupper()"]
SUBSCRIPTS = ["0", "1", "-1", "9", "'a'", "'one'", "'name'", "1:", ":2", "::-1", ":-1", "1:3", "::2", "-2:", "none", "true", "'upper'", "5:1:-1"]
FORMATS = ["'%s'", "'%d'", "'%5s|'", "'%-5s|'", "'%05d'", "'%.2f'", "'%s %s'", "'%(a)s'", "'%%'", "'%x'", "'%r'", "'%e'", "'%g'", "'%+d'", "'%c'"]


class Maker:
    def __init__(self, rng):
        self.r = rng
        self.vars = []

    def pick(self, xs):
        return xs[self.r.randrange(len(xs))]

    def expr(self, depth):
        r = self.r.random()
        if depth <= 0 or r < 0.12:
            return self.pick(NAMES + self.vars) if self.r.random() < 0.5 else self.pick(CONSTS)
        sub = lambda: self.expr(depth - 1)
        wrap = lambda: "(" + sub() + ")"
        if r < 0.34: return f"{wrap()} {self.pick(BINARY)} {wrap()}"
        if r < 0.40: return f"{sub()} {self.pick(BINARY)} {sub()}"
        if r < 0.60: return f"{wrap()}|{self.pick(FILTERS)}"
        if r < 0.68: return f"{wrap()} is {self.pick(TESTS)}"
        if r < 0.78: return f"{wrap()}.{self.pick(METHODS)}"
        if r < 0.86: return f"{wrap()}[{self.pick(SUBSCRIPTS)}]"
        if r < 0.89: return f"{self.pick(FORMATS)} % {wrap()}"
        if r < 0.92: return f"({sub()} if {sub()} else {sub()})"
        if r < 0.94: return f"[{sub()}, {sub()}]"
        if r < 0.96: return "{" + f"'k': {sub()}, {wrap()}: 1" + "}"
        if r < 0.98: return f"{self.pick(['-', 'not ', '+'])}{wrap()}"
        return f"{sub()} {self.pick(['<', '==', '!='])} {sub()} {self.pick(['<=', '>', '=='])} {sub()}"

    def sign(self):
        return self.pick(["", "", "", "-", "+"])

    def tag(self, text):
        a, b = self.sign(), self.pick(["", "", "", "-", "+"])
        return "{%" + a + " " + text + " " + b + "%}"

    def text(self):
        return self.pick(["", " ", "\n", "x", " y\n", "\n  ", "  z  \n\n", "{# c #}", "\t", "{#- c -#}\n"])

    def out(self):
        a, b = self.pick(["", "", "-"]), self.pick(["", "", "-"])
        return "{{" + a + " " + self.expr(self.r.randrange(3)) + " " + b + "}}"

    def block(self, depth):
        parts = []
        for _ in range(self.r.randrange(1, 4)):
            parts += [self.text(), self.statement(depth) if self.r.random() < 0.6 else self.out()]
        return "".join(parts) + self.text()

    def statement(self, depth):
        kind = self.r.random()
        if depth <= 0 or kind < 0.2:
            name = self.pick(["q", "r", "a", "l"])
            self.vars.append(name)
            return self.tag(f"set {name} = {self.expr(2)}")
        body = lambda: self.block(depth - 1)
        if kind < 0.45:
            other = self.pick(["", self.tag("else") + body(), self.tag(f"elif {self.expr(1)}") + body()])
            return self.tag(f"if {self.expr(2)}") + body() + other + self.tag("endif")
        if kind < 0.75:
            loops = ["loop.index", "loop.last", "loop.first", "loop.length", "loop.revindex", "loop.previtem", "loop.nextitem", "loop.cycle(1, 2)", "loop.changed(i)", "i"]
            jump = self.pick(["", "", "", "{% if i == 1 %}{% break %}{% endif %}", "{% if loop.first %}{% continue %}{% endif %}"])
            cond = self.pick(["", "", f" if {self.pick(['i', 'i != 1', 'i is string', 'not z'])}"])
            other = self.pick(["", "", self.tag("else") + "E"])
            self.vars.append("i")
            return self.tag(f"for i in {self.expr(1)}{cond}") + jump + "{{ " + self.pick(loops) + " }}" + body() + other + self.tag("endfor")
        if kind < 0.83:
            return self.tag("macro m(p, o=5)") + "{{ p }}{{ o }}" + body() + self.tag("endmacro") + "{{ m(" + self.expr(1) + ") }}{{ m(1, o=q) }}"
        if kind < 0.89:
            return self.tag("set q" + self.pick(["", " | upper", " | trim"])) + body() + self.tag("endset") + "{{ q }}"
        if kind < 0.93:
            return self.tag(f"with v = {self.expr(1)}") + "{{ v }}" + body() + self.tag("endwith")
        if kind < 0.96:
            return self.tag("filter " + self.pick(["upper", "trim", "replace('a', 'b')", "indent"])) + body() + self.tag("endfilter")
        return "{% set ns = namespace(c=0) %}{% for i in l %}{% set ns.c = ns.c + i %}{% endfor %}{{ ns.c }}"


def random_templates(n, seed, variables):
    rng = random.Random(seed)
    for _ in range(n):
        maker = Maker(rng)
        text = maker.block(3) if rng.random() < 0.5 else "{{ " + maker.expr(4) + " }}"
        if rng.random() < 0.04 and text:  # broken in one place
            at = rng.randrange(len(text))
            text = text[:at] + text[at + 1:]
        yield text
