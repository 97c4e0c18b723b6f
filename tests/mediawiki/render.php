<?php
// Renders every article that was imported, one after another, framework warm, parser cache out: a line of JSON each with
// title, milliseconds and HTML. Run by MediaWiki itself: php render.php --conf LocalSettings.php
require_once getenv( 'MW_INSTALL_PATH' ) . '/maintenance/Maintenance.php';

use MediaWiki\MediaWikiServices;
use MediaWiki\Revision\SlotRecord;

class RenderAll extends Maintenance {
	public function __construct() {
		parent::__construct();
		$this->addOption( 'repeat', 'Render each page so many times; the time is the least', false, true );
	}

	private static function cpuMs() {
		$used = getrusage();
		return ( $used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec'] ) * 1e3 +
			( $used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec'] ) / 1e3;
	}

	public function execute() {
		$services = MediaWikiServices::getInstance();
		$rows = $this->getDB( DB_REPLICA )->select( 'page', '*', [ 'page_namespace' => 0, 'page_is_redirect' => 0 ],
			__METHOD__, [ 'ORDER BY' => 'page_id' ] );
		$parser = $services->getParser();
		foreach ( $rows as $row ) {
			$title = Title::newFromRow( $row );
			$record = $services->getRevisionLookup()->getRevisionByTitle( $title );
			$content = $record ? $record->getContent( SlotRecord::MAIN ) : null;
			if ( !$content instanceof WikitextContent ) {
				continue;
			}
			$best = $least = INF;
			for ( $i = 0; $i < (int)$this->getOption( 'repeat', 1 ); $i++ ) {
				$options = ParserOptions::newFromAnon();
				$start = hrtime( true );
				$used = self::cpuMs();
				$output = $parser->parse( $content->getText(), $title, $options, true, true, $record->getId() );
				$html = $output->getText( [ 'enableSectionEditLinks' => false, 'allowTOC' => false, 'unwrap' => true ] );
				$best = min( $best, ( hrtime( true ) - $start ) / 1e6 );
				$least = min( $least, self::cpuMs() - $used );
			}
			echo json_encode( [ 'title' => $title->getPrefixedText(), 'ms' => $best, 'cpu_ms' => $least,
				'bytes' => strlen( $content->getText() ), 'html' => $html ],
				JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE ) . "\n";
		}
	}
}

$maintClass = RenderAll::class;
require_once RUN_MAINTENANCE_IF_MAIN;
