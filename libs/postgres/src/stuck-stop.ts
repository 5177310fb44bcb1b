import { readFileSync } from 'node:fs';
import type { Milliseconds } from '@pgaf/core/durations';
import { childrenOf, roleOf } from './children.js';

/**
 * Processes that are left of a Postgres whose fast stop has come to its end, or hangs. A client that has not said who
 * it is (`dead-end` from version 18 on, the postmaster's own title before) has begun nothing, and may stay silent for
 * the whole `authentication_timeout`.
 */
const LEFT_AT_THE_END = /^(?:checkpointer|dead-end)\b|^logger$/;
const LOOK_EVERY: Milliseconds = 100;
const STUCK_AFTER: Milliseconds = 1000;

/**
 * Finds a fast stop that hangs for good. It does when it comes while Postgres begins its recovery after the crash
 * of a backend: the postmaster of version 15 and later then waits for the checkpointer, and never tells it to end.
 * Clients that it turns away meanwhile come and go as children of their own.
 */
export class StuckStop {
  #lookAt: Milliseconds = 0;
  #since: Milliseconds = 0;
  /** Children that may still do something: those that were there at every look since. */
  #working: ReadonlySet<number> | null = null;

  constructor(private readonly postmaster: number) {}

  /** True once its checkpointer slept, and no other child stayed, for a second. */
  isStuck(now: Milliseconds): boolean {
    if (now < this.#lookAt) return false;
    this.#lookAt = now + LOOK_EVERY;
    const children = childrenOf(this.postmaster);
    const others = children.filter(({ title }) => !isLeft(roleOf(title))).map(({ pid }) => pid);
    const checkpointer = children.find(({ title }) => roleOf(title)?.startsWith('checkpointer'));
    const idle = checkpointer && !checkpointer.title.includes('performing') && sleeps(checkpointer.pid);
    if (!idle) {
      this.#working = null;
      return false;
    }
    const before = this.#working;
    if (before === null) this.#since = now;
    this.#working = new Set(before === null ? others : others.filter((pid) => before.has(pid)));
    if (now - this.#since < STUCK_AFTER) return false;
    const stuck = this.#working.size === 0;
    this.#working = null;
    return stuck;
  }
}

function isLeft(role: string | null): boolean {
  return role === null || LEFT_AT_THE_END.test(role);
}

function sleeps(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('S');
  } catch {
    return false;
  }
}
