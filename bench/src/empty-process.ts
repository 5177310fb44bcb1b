import { spawnSync } from 'node:child_process';
import type { Milliseconds } from '@pgaf/core/durations';

/**
 * How long a process of Node takes that does nothing. Processors that are shared with others are not always as fast: a
 * reader compares this with their own before any other figure.
 */
export function emptyProcess(): Milliseconds {
  const begun = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - begun;
}
