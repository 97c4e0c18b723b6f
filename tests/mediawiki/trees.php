<?php
// MediaWiki's own preprocessor, one text after another: what tools/pp_trees answers, for trees.py. Run by MediaWiki itself:
// php trees.php --conf LocalSettings.php
require_once getenv( 'MW_INSTALL_PATH' ) . '/maintenance/Maintenance.php';

use MediaWiki\MediaWikiServices;

class Trees extends Maintenance {
	private $out = '';
	private $inText = false;

	private function put( $markup ) {
		$this->out .= ( $this->inText ? "'" : '' ) . $markup;
		$this->inText = false;
	}

	private function putText( $text ) {
		if ( $text !== '' ) {
			$this->out .= ( $this->inText ? '' : "'" ) . $text;
			$this->inText = true;
		}
	}

	private function showAll( $node ) {
		for ( $child = $node->getFirstChild(); $child; $child = $child->getNextSibling() ) {
			$this->show( $child );
		}
	}

	private function showCall( $node, $open, $close ) {
		$bits = $node->splitTemplate();
		$this->put( $open . ( $bits['lineStart'] ? '^' : '' ) );
		$this->showAll( $bits['title'] );
		for ( $i = 0; $i < $bits['parts']->getLength(); $i++ ) {
			$part = $bits['parts']->item( $i )->splitArg();
			$this->put( '|' );
			if ( $part['index'] !== '' ) {
				$this->put( $part['index'] . ':' );
			} else {
				$this->showAll( $part['name'] );
				$this->put( '=' );
			}
			$this->showAll( $part['value'] );
		}
		$this->put( $close );
	}

	private function showTag( $node ) {
		$bits = $node->splitExt();
		$text = static function ( $name ) use ( $bits ) {
			$first = isset( $bits[$name] ) ? $bits[$name]->getFirstChild() : false;
			return $first ? $first->value : '';
		};
		$this->put( '<' . $text( 'name' ) . '(' . $text( 'attr' ) . ')' . ( isset( $bits['inner'] ) ? ':' : '/' ) .
			$text( 'inner' ) . '(' . $text( 'close' ) . ')>' );
	}

	private function show( $node ) {
		if ( $node instanceof PPNode_Hash_Text ) {
			$this->putText( $node->value );
			return;
		}
		switch ( $node instanceof PPNode_Hash_Attr ? '' : $node->getName() ) {
			case 'template':
				$this->showCall( $node, '{', '}' );
				break;
			case 'tplarg':
				$this->showCall( $node, '{{', '}}' );
				break;
			case 'equals':
				$this->putText( '=' );
				break;
			case 'possible-h':
				$this->showAll( $node );
				break;
			case 'h':
				$bits = $node->splitHeading();
				$this->put( "H{$bits['level']}#{$bits['i']}[" );
				$this->showAll( $node );
				$this->put( ']' );
				break;
			case 'ext':
				$this->showTag( $node );
				break;
			case 'comment':
				$this->put( '!(' . $node->getFirstChild()->value . ')' );
				break;
			case 'ignore':
				$this->put( '~(' . $node->getFirstChild()->value . ')' );
				break;
		}
	}

	public function execute() {
		$parser = MediaWikiServices::getInstance()->getParserFactory()->create();
		$title = Title::newFromText( 'Test page' );
		$request = [];
		$options = ParserOptions::newFromAnon();
		$options->setTemplateCallback( static function ( $title ) use ( &$request ) {
			$is_template = $title->getNamespace() === NS_TEMPLATE;
			return [
				'text' => $is_template ? $request[$title->getText()] ?? false : false,
				'finalTitle' => $title,
				'deps' => [],
			];
		} );
		while ( ( $line = fgets( STDIN ) ) !== false ) {
			$request = json_decode( $line, true );
			$parser->startExternalParse( $title, $options, Parser::OT_PREPROCESS );
			$tree = $parser->preprocessToDom( $request['text'], $request['included'] ? Parser::PTD_FOR_INCLUSION : 0 );
			$this->out = '';
			$this->showAll( $tree );
			$this->put( '' );
			$flat = $request['included'] ? '' : $parser->preprocess( $request['text'], $title, $options );
			echo json_encode( [ 'tree' => $this->out, 'flat' => $flat ] ) . "\n";
			flush();
		}
	}
}

$maintClass = Trees::class;
require_once RUN_MAINTENANCE_IF_MAIN;
