import type { Milliseconds } from '@pgaf/core/durations';
import type { Client } from 'pg';
import { loadAbsent, markOfSessions } from './group-store.js';

/** How often sessions are looked at: a keeper that dies notifies nobody. */
const LOOK_EVERY: Milliseconds = 200;
/** How often those of all nodes are looked for while none begins or ends. */
const ALL_EVERY: Milliseconds = 1000;

type Absent = Awaited<ReturnType<typeof loadAbsent>>;

/** Finds nodes whose keeper has no session; while all have one and none begins or ends, a small look is enough. */
export class SessionLook {
  #dueAt: Milliseconds = 0;
  #allAt: Milliseconds = 0;
  #mark: string | null = null;

  constructor(private readonly client: Client) {}

  get dueAt(): Milliseconds {
    return this.#dueAt;
  }

  /** @returns null when it is not due, or they are those of the last time */
  async look(now: Milliseconds): Promise<Absent | null> {
    if (now < this.#dueAt) return null;
    this.#dueAt = now + LOOK_EVERY;
    // Before the nodes: what begins or ends in between shows the next time.
    const mark = await markOfSessions(this.client);
    if (mark === this.#mark && now < this.#allAt) return null;
    const absent = await loadAbsent(this.client);
    // Who is looked for has a session before its row says so.
    this.#mark = absent.size > 0 ? null : mark;
    this.#allAt = now + ALL_EVERY;
    return absent;
  }
}
