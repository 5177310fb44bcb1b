import type { Milliseconds } from '@pgaf/core/durations';

/** How long ago in at most six characters, the two largest units: `1s` (also for less), `12s`, `3m05s`, `2h00m`, `1d04h`. */
export function ageText(age: Milliseconds): string {
  const seconds = Math.max(1, Math.floor(age / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return twoUnits(minutes, 'm', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return twoUnits(hours, 'h', minutes % 60, 'm');
  return twoUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function twoUnits(large: number, unit: string, small: number, smallUnit: string): string {
  return `${large}${unit}${String(small).padStart(2, '0')}${smallUnit}`;
}
