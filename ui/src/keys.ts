// keys.ts -- single-key shortcuts, which sleep while someone types; keys of a box that is typed into.
import { useEffect, useRef, type KeyboardEvent as ReactKeyboardEvent } from 'react';

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

// The handler of the key that was pressed; the latest `keys` count.
export function useKeys(keys: Record<string, () => void>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || isTyping(e.target)) return;
      const run = latest.current[e.key.toLowerCase()];
      if (!run) return;
      e.preventDefault();
      run();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

// For a box of a form: Enter sends it, Shift Enter starts a line, Escape stops what runs, else
// leaves the box.
export const submitKeys =
  (stop: (() => void) | undefined) => (e: ReactKeyboardEvent<HTMLTextAreaElement>) => {
    if (e.nativeEvent.isComposing) return;
    if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      e.currentTarget.form?.requestSubmit();
    } else if (e.key === 'Escape') {
      if (stop) stop();
      else e.currentTarget.blur();
    }
  };
