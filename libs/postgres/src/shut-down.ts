import { closeSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { childrenOf } from './children.js';
import { CLUSTER_STATES, type ClusterState } from './control-data.js';

/** Of `state` in ControlFileData, the same in all versions: behind the system identifier and two version numbers. */
const STATE_OFFSET = 16;

const CHECKPOINTER = /^postgres: (?:.*: )?checkpointer\b/;
/** Not so a client that is turned away (`dead-end` from version 18 on, without a title before), and the log collector. */
const AT_WORK = /^postgres: (?!(?:.*: )?(?:logger|dead-end)\b)/;

/**
 * Tells when a primary that was told to stop fast has nothing left to do but to end: what is left of it, the memory
 * that it shares and the clients that it turns away, may take as long again.
 *
 * That is proved by its pg_control, which says `shut down`, and did not before: the checkpointer writes so when it is the
 * last one that can write WAL or data (postmaster.c: PM_SHUTDOWN comes after the last backend's end), and a postmaster
 * that was told to stop starts nobody again who could. When no other child of it is at work either, its standbys and its
 * archive have all that they are to get from it.
 */
export class ShutDown {
  readonly #canTell: boolean;

  constructor(
    private readonly pgdata: string,
    private readonly postmaster: number,
  ) {
    // Before that, its pg_control is still the one that the last postmaster left; some kernels tell of no children.
    this.#canTell =
      stateOf(pgdata) === 'in production' &&
      childrenOf(postmaster).some(({ title }) => CHECKPOINTER.test(title));
  }

  get isComplete(): boolean {
    return this.#canTell && stateOf(this.pgdata) === 'shut down' && this.#nobodyWorks();
  }

  #nobodyWorks(): boolean {
    return !childrenOf(this.postmaster).some(({ title }) => AT_WORK.test(title));
  }
}

/** Undefined where pg_control cannot be read; four bytes of it are never seen half written. */
function stateOf(pgdata: string): ClusterState | undefined {
  const bytes = Buffer.alloc(4);
  try {
    const file = openSync(join(pgdata, 'global', 'pg_control'), 'r');
    try {
      if (readSync(file, bytes, 0, bytes.length, STATE_OFFSET) < bytes.length) return undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
  return CLUSTER_STATES[endianness() === 'LE' ? bytes.readUInt32LE() : bytes.readUInt32BE()];
}
