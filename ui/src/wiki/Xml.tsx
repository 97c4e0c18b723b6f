// wiki/Xml.tsx -- a page's XML with its tags coloured.
//
// A dump's page holds some thirty tags around one long text, so one pass of a regular expression
// and a span per tag is all it takes.
import { memo, type ReactNode } from 'react';

const TAG = /<(\/?)([\w:.-]+)([^<>]*?)(\/?)>/g;
const ATTRIBUTE = /([\w:.-]+)(=)("[^"]*"|'[^']*')/g;

function attributes(text: string, key: number): ReactNode[] {
  const out: ReactNode[] = [];
  let at = 0;
  for (const m of text.matchAll(ATTRIBUTE)) {
    out.push(
      text.slice(at, m.index),
      <span className="xml-name" key={`${key}-${m.index}`}>
        {m[1]}
      </span>,
      '=',
      <span className="xml-value" key={`${key}-${m.index}v`}>
        {m[3]}
      </span>,
    );
    at = m.index + m[0].length;
  }
  return [...out, text.slice(at)];
}

function coloured(xml: string): ReactNode[] {
  const out: ReactNode[] = [];
  let at = 0;
  for (const m of xml.matchAll(TAG)) {
    const [whole, close, name, rest, empty] = m;
    out.push(
      xml.slice(at, m.index),
      <span className="xml-tag" key={m.index}>
        {`<${close}`}
        <b>{name}</b>
        {attributes(rest ?? '', m.index)}
        {`${empty}>`}
      </span>,
    );
    at = m.index + whole.length;
  }
  return [...out, xml.slice(at)];
}

function Xml({ xml }: { xml: string }) {
  return (
    <pre className="xml" tabIndex={0} aria-label="XML of the page">
      {coloured(xml)}
    </pre>
  );
}

export default memo(Xml);
