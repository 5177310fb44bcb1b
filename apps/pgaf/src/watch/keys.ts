import type { Key } from 'node:readline';
import type { Move } from './view.js';

export type Command = Move | 'quit' | 'suspend';

const NAMED: Readonly<Record<string, Command>> = {
  q: 'quit',
  f1: 'quit',
  left: 'left',
  h: 'left',
  right: 'right',
  l: 'right',
  home: 'start',
  '0': 'start',
  end: 'end',
  up: 'up',
  k: 'up',
  down: 'down',
  j: 'down',
  pageup: 'page-up',
  pagedown: 'page-down',
  delete: 'clear',
};

const WITH_CONTROL: Readonly<Record<string, Command>> = {
  c: 'quit',
  z: 'suspend',
  b: 'left',
  f: 'right',
  a: 'start',
  e: 'end',
  p: 'up',
  n: 'down',
  u: 'page-up',
  d: 'page-down',
};

/** What a key means, as `readline` names keys; null for one that means nothing. */
export function commandOf(key: Key): Command | null {
  if (key.meta) return null;
  if (key.ctrl) return WITH_CONTROL[key.name ?? ''] ?? null;
  // No key but a sign; readline gives it no name.
  if (key.sequence === '$') return 'end';
  return NAMED[key.name ?? ''] ?? null;
}
