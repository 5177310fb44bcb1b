import { open, type FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { childrenOf, roleOf, type Child } from './children.js';
import { CLUSTER_STATES, type ClusterState } from './control-data.js';

/** Of `state` in ControlFileData, the same in all versions: behind the system identifier and two version numbers. */
const STATE_OFFSET = 16;
/** While children end, the kernel may leave one out of the list of them. */
const LOOKS = 2;

/**
 * Tells when a primary that was told to stop fast has nothing left to do but to end: what is left of it, the memory
 * that it shares and the clients that it turns away, may take as long again.
 *
 * That is so when its pg_control says `shut down`, having said something else while this looked, and none of its children
 * is at work. The checkpointer writes that state when no backend is left that could write WAL, and who is not at work
 * writes nothing afterwards; a postmaster that was told to stop lets nobody in and starts nobody again who could
 * (postmaster.c). Its standbys and its archive then have all that they are to get, too, as walsenders and the archiver
 * are at work until then.
 *
 * Nobody waits for the disk here: a file that does not answer proves nothing.
 */
export class ShutDown {
  readonly #file: Promise<FileHandle>;
  #reading = false;
  #state: ClusterState | undefined;
  /** The `shut down` of the postmaster before it is there until this one has started. */
  #saidOtherwise = false;
  /** Some kernels tell of no children. */
  #hasChildren = false;
  #complete = 0;

  constructor(
    pgdata: string,
    private readonly postmaster: number,
  ) {
    this.#file = open(join(pgdata, 'global', 'pg_control'), 'r');
    this.#file.catch(() => undefined);
    this.look();
  }

  /** To be called again and again. */
  look(): 'complete' | 'not yet' {
    if (!this.#reading) void this.#readState();
    this.#complete = this.#isComplete() ? this.#complete + 1 : 0;
    return this.#complete >= LOOKS ? 'complete' : 'not yet';
  }

  /** Children are looked at when nothing else is left to prove: each costs a file, and who shuts down needs the processor. */
  #isComplete(): boolean {
    const saysSo = this.#saidOtherwise && this.#state === 'shut down';
    if (this.#hasChildren && !saysSo) return false;
    const children = childrenOf(this.postmaster);
    this.#hasChildren ||= children.length > 0;
    return this.#hasChildren && saysSo && !children.some(isAtWork);
  }

  close(): void {
    void this.#file.then((file) => file.close()).catch(() => undefined);
  }

  async #readState(): Promise<void> {
    this.#reading = true;
    try {
      const { bytesRead, buffer } = await (await this.#file).read(Buffer.alloc(4), 0, 4, STATE_OFFSET);
      if (bytesRead < buffer.length) return;
      this.#state = CLUSTER_STATES[endianness() === 'LE' ? buffer.readUInt32LE() : buffer.readUInt32BE()];
      this.#saidOtherwise ||= this.#state !== undefined && this.#state !== 'shut down';
    } catch {
      // It cannot be told, and the end of the postmaster is waited for.
    } finally {
      this.#reading = false;
    }
  }
}

/** A client that is turned away has no role before version 18; the log collector outlives all others. */
function isAtWork({ title }: Child): boolean {
  const role = roleOf(title);
  return role !== null && role !== 'logger' && !role.startsWith('dead-end');
}
