#!/bin/sh
# setup.sh DUMP FOLDER -- a MediaWiki in FOLDER with DUMP imported; needs Debian's mediawiki, php-cli, php-sqlite3,
# php-intl, php-mbstring and php-xml. Prints nothing but errors. What was set up before is kept.
set -eu
dump=$1 folder=$2 here=$(cd "$(dirname "$0")" && pwd)
[ -d /usr/share/mediawiki ] || { echo "setup.sh: no MediaWiki: make deps-judge" >&2; exit 1; }
[ -e "$folder/done" ] && exit 0
rm -rf "$folder"
mkdir -p "$folder/data" "$folder/conf"
cp -rL /usr/share/mediawiki "$folder/mediawiki" 2> "$folder/copy.log" || true  # one of its links is dead
rm -f "$folder/mediawiki/LocalSettings.php"
# Content models of extensions that are not loaded are text to it.
case $dump in *.bz2) bzcat "$dump" ;; *) cat "$dump" ;; esac |
    sed -E 's,<model>(Scribunto|sanitized-css|flow-board|GeoJSON)</model>,<model>text</model>,' > "$folder/dump.xml"
lang=$(sed -n 's/.*xml:lang="\([^"]*\)".*/\1/p; /<siteinfo>/q' "$folder/dump.xml" | head -1)
cd "$folder/mediawiki"
php maintenance/install.php --dbtype sqlite --dbpath "$folder/data" --dbname wiki --scriptpath / --server http://localhost \
    --pass SECRET123456 --lang "${lang:-en}" --confpath "$folder/conf" Wiki Admin > "$folder/install.log" 2>&1
cat >> "$folder/conf/LocalSettings.php" <<'PHP'
$wgExtraNamespaces[828] = 'Module';
$wgExtraNamespaces[829] = 'Module_talk';
$wgCapitalLinks = true;
wfLoadExtension( 'Cite' );
wfLoadExtension( 'ParserFunctions' );
wfLoadExtension( 'Poem' );
wfLoadExtension( 'Math' );
$wgMathValidModes = [ 'source' ];
$wgDefaultUserOptions['math'] = 'source';
$wgMathDisableTexFilter = 'always';
$wgPFEnableStringFunctions = true;
$wgEnableMagicLinks = [ 'ISBN' => true, 'PMID' => true, 'RFC' => true ];
$wgParserCacheType = CACHE_NONE;
$wgMainCacheType = CACHE_NONE;
$wgMessageCacheType = CACHE_NONE;
$wgArticlePath = '/wiki/$1';
$wgParserEnableLegacyMediaDOM = false;
$wgShowExceptionDetails = true;
PHP
MW_INSTALL_PATH="$folder/mediawiki" php maintenance/importDump.php --conf "$folder/conf/LocalSettings.php" --no-updates \
    "$folder/dump.xml" > "$folder/import.log" 2>&1
# Both sides know the same languages.
/usr/bin/python3 - "$here/../../src/wikitext/interwiki.c" "$folder/data/wiki.sqlite" <<'PY'
import re, sqlite3, sys
text = open(sys.argv[1]).read().split("languages[] =")[1].split(";")[0]
codes = " ".join(re.findall(r'"([^"]*)"', text)).split()
db = sqlite3.connect(sys.argv[2])
db.executemany("INSERT OR IGNORE INTO interwiki (iw_prefix, iw_url, iw_api, iw_wikiid, iw_local, iw_trans)"
               " VALUES (?, ?, '', '', 1, 0)", [(c, f"https://{c}.wikipedia.org/wiki/$1") for c in codes])
db.commit()
PY
touch "$folder/done"
