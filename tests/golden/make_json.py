"""What Python's json.dumps makes of strings: the truth for tests/base/test_json.c.

    /usr/bin/python3 tests/golden/make_json.py > tests/golden/json_strings.txt

A line is the UTF-8 bytes in hex (- for none), a space, and the JSON.
"""
import json

points = [*range(0x180), 0x7FF, 0x800, 0x2028, 0x2029, 0xD7FF, 0xE000, 0xFEFF, 0xFFFD, 0xFFFF,
          0x10000, 0x1F600, 0x10FFFF]
texts = ["", "plain", 'a "quoted" \\ back', "</script>", "tab\tnew\nline", "é漢😀", "a/b?c=d&e"]
for text in texts + ["x" + chr(c) + "y" for c in points]:
    print(text.encode().hex() or "-", json.dumps(text))
