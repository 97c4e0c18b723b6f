// format.ts -- numbers for people.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

// 1024 units, one decimal: "3.8 MB".
export function bytes(n: number): string {
  let unit = 0;
  while (n >= 1024 && unit < UNITS.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${unit ? n.toFixed(1) : n} ${UNITS[unit]}`;
}

export const count = (n: number): string => n.toLocaleString('en');

export const plural = (n: number, noun: string): string =>
  `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

// "3 ms", "1.24 s".
export const time = (ms: number): string =>
  ms < 1 ? '< 1 ms' : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;

export const rate = (perSecond: number): string =>
  perSecond >= 100 ? count(Math.round(perSecond)) : perSecond.toFixed(1);

export function parameters(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toFixed(1)} B parameters`;
  return n >= 1e6 ? `${Math.round(n / 1e6)} M parameters` : `${count(n)} parameters`;
}

// "12 s", "3 min", "1.5 h".
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
