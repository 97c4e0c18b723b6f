// follow.ts -- scrolling along with a text that grows.
import { useEffect, useLayoutEffect, useRef } from 'react';

// Keeps the end of the growing text in view for a reader who is there, and only for one.
export function useFollow(text: string, running: boolean): void {
  const wasNear = useRef(true);
  useEffect(() => {
    const watch = () => {
      const left = document.documentElement.scrollHeight - innerHeight - scrollY;
      wasNear.current = left < 120;
    };
    addEventListener('scroll', watch, { passive: true });
    return () => removeEventListener('scroll', watch);
  }, []);
  useLayoutEffect(() => {
    if (running && wasNear.current) scrollTo(0, document.documentElement.scrollHeight);
  }, [text, running]);
}
