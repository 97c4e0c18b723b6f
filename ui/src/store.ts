// store.ts -- state that survives a reload, in localStorage under "parallelopedia.NAME".
//
// Private windows and full disks make localStorage throw: the page then just forgets.
import { useCallback, useState } from 'react';

const key = (name: string): string => `parallelopedia.${name}`;

export function load<T>(name: string, fallback: T): T {
  try {
    const text = localStorage.getItem(key(name));
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

export function save(name: string, value: unknown): void {
  try {
    localStorage.setItem(key(name), JSON.stringify(value));
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
