<?php
// MediaWiki's own sanitiser and tidying, one text after another: what tools/html_passes answers, for passes.py. Run by
// MediaWiki itself: php passes.php --conf LocalSettings.php
require_once getenv( 'MW_INSTALL_PATH' ) . '/maintenance/Maintenance.php';

use MediaWiki\MediaWikiServices;

class Passes extends Maintenance {
	public function execute() {
		$tidy = MediaWikiServices::getInstance()->getTidy();
		$passes = [
			'tidy' => [ $tidy, 'tidy' ],
			'sanitize' => [ Sanitizer::class, 'internalRemoveHtmlTags' ],
			'css' => [ Sanitizer::class, 'checkCss' ],
			'charrefs' => [ Sanitizer::class, 'normalizeCharReferences' ],
			'decode' => [ Sanitizer::class, 'decodeCharReferences' ],
		];
		while ( ( $line = fgets( STDIN ) ) !== false ) {
			$request = json_decode( $line, true );
			try {
				$text = $passes[$request['pass']]( $request['text'] );
			} catch ( InvalidArgumentException $e ) {
				$text = null; // an escape in a style beyond the last code point
			}
			echo json_encode( [ 'text' => $text ] ) . "\n";
			flush();
		}
	}
}

$maintClass = Passes::class;
require_once RUN_MAINTENANCE_IF_MAIN;
