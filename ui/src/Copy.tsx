// Copy.tsx -- a button that copies a text.
import { useEffect, useState } from 'react';
import Button from 'react-bootstrap/Button';

export function Copy({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  // Only secure contexts (https, localhost) have a clipboard.
  if (!navigator.clipboard) return null;
  return (
    <Button
      variant="link"
      size="sm"
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      {copied ? 'Copied' : label}
    </Button>
  );
}
