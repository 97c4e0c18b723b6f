#!/usr/bin/python3
"""Asks MediaWiki (Debian's 1.39, installed as its manual says, with ParserFunctions and
$wgPFEnableStringFunctions) what the questions of wt_functions.txt give, and PHP what the dates of
wt_dates.txt mean, and writes the answers in place.

    make_functions.py MEDIAWIKI_DIR

wt_functions.txt: "@lang CODE" and "@title TITLE" hold for what follows; other lines are a question, a
tab, the answer, with \\n for line ends. wt_dates.txt: the date, a tab, Unix seconds or "false", read
at 979569000. The wiki's server is http://localhost, its paths are /wiki/ and /index.php, and of all pages
only Main Page is there.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ORACLE = r"""<?php
require_once getenv( 'MW_DIR' ) . '/maintenance/Maintenance.php';
class Oracle extends Maintenance {
    public function execute() {
        $services = MediaWiki\MediaWikiServices::getInstance();
        $parser = $services->getParserFactory()->create();
        while ( ( $line = fgets( STDIN ) ) !== false ) {
            [ $lang, $title, $text ] = json_decode( $line, true );
            $o = ParserOptions::newFromAnon();
            $o->setTargetLanguage( $services->getLanguageFactory()->getLanguage( $lang ) );
            $out = $parser->preprocess( $text, Title::newFromText( $title ), $o );
            echo json_encode( $out ), "\n";
        }
    }
}
$maintClass = Oracle::class;
require_once RUN_MAINTENANCE_IF_MAIN;
"""
DATES = """date_default_timezone_set( 'UTC' );
while ( ( $l = fgets( STDIN ) ) !== false ) {
    $t = strtotime( rtrim( $l, "\\n" ), 979569000 );
    echo $t === false ? 'false' : $t, "\\n";
}"""


def functions(mediawiki):
    path = HERE / "wt_functions.txt"
    lines, asked = path.read_text().split("\n"), []
    lang, title = "en", "Foo"
    for line in lines:
        if line.startswith("@lang "):
            lang = line[6:]
        elif line.startswith("@title "):
            title = line[7:]
        elif line:
            asked.append([lang, title, line.split("\t")[0].replace("\\n", "\n")])
    script = mediawiki / "maintenance" / "oracle_functions.php"
    script.write_text(ORACLE)
    told = subprocess.run(["php", script], input="".join(json.dumps(q) + "\n" for q in asked), capture_output=True,
                          text=True, check=True, env={"MW_DIR": str(mediawiki), "PATH": "/usr/bin:/bin"})  # fmt: skip
    script.unlink()
    answers = iter(told.stdout.split("\n"))
    out = []
    for line in lines:
        if line and not line.startswith("@"):
            line = line.split("\t")[0] + "\t" + json.loads(next(answers)).replace("\n", "\\n")
        out.append(line)
    path.write_text("\n".join(out))


def dates():
    path = HERE / "wt_dates.txt"
    texts = [line.split("\t")[0] for line in path.read_text().split("\n") if line]
    told = subprocess.run(["php", "-r", DATES], input="".join(t + "\n" for t in texts), capture_output=True, text=True,
                          check=True)  # fmt: skip
    path.write_text("".join(f"{t}\t{a}\n" for t, a in zip(texts, told.stdout.split("\n"))))


if __name__ == "__main__":
    functions(pathlib.Path(sys.argv[1]))
    dates()
