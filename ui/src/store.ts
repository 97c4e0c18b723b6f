// store.ts -- state that survives a reload, under "parallelopedia.NAME".
//
// What belongs to the reader (theme, options) is kept in localStorage; what belongs to one window
// (scroll positions, where each tab was left) in sessionStorage. Private windows and full disks
// make both throw: the page then just forgets.
import { useCallback, useState } from 'react';

type Area = 'localStorage' | 'sessionStorage';

const key = (name: string): string => `parallelopedia.${name}`;

export function load<T>(name: string, fallback: T, area: Area = 'localStorage'): T {
  try {
    const text = window[area].getItem(key(name));
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

export function save(name: string, value: unknown, area: Area = 'localStorage'): void {
  try {
    window[area].setItem(key(name), JSON.stringify(value));
  } catch {
    // forgotten, as said above
  }
}

export function useStored<T>(name: string, fallback: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => load(name, fallback));
  const set = useCallback(
    (next: T) => {
      setValue(next);
      save(name, next);
    },
    [name],
  );
  return [value, set];
}
