import type { Milliseconds } from '@pgaf/core/durations';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import type { GlancedNode } from './glance-store.js';
import type { StoredGroup } from './group-store.js';

interface Contact {
  readonly serial: number;
  readonly heardAt: Milliseconds;
  readonly lookedAt: Milliseconds;
}

/** A service that got nothing done for this long was held up itself, and cannot tell who was silent meanwhile. */
const HELD_UP: Milliseconds = 2000;

/**
 * When each node was last heard of, by this process's monotonic clock. The times in the tables are of a clock that may
 * be set, so they only say where between two looks a report came.
 */
export class Contacts {
  readonly #contacts = new Map<number, Contact>();
  #attendedAt: Milliseconds = -Infinity;
  /** When the service last went on after it was held up. */
  #resumedAt: Milliseconds = -Infinity;

  /**
   * The service has got something done, such as a query. A round over many groups may take long, so that each node is
   * looked at seldom, and that holds up nobody.
   */
  attend(now: Milliseconds = performance.now()): void {
    if (now - this.#attendedAt > HELD_UP) this.#resumedAt = now;
    this.#attendedAt = now;
  }

  /** The groups with the times of their reports put right, so that `now` minus `at` is the age of each. */
  date(groups: readonly StoredGroup[], lookedAt: Milliseconds = performance.now()): readonly StoredGroup[] {
    this.attend(lookedAt);
    return groups.map((group) => ({ ...group, snapshot: this.#dated(group, lookedAt) }));
  }

  /** Takes in what a glance shows. @returns for how long the one of them has been silent that was heard of the longest ago */
  hear(nodes: readonly GlancedNode[], lookedAt: Milliseconds): Milliseconds {
    this.attend(lookedAt);
    const heard = nodes.map(({ id, serial, age }) => this.#heardAt(id, serial, age, lookedAt));
    return lookedAt - Math.min(lookedAt, ...heard);
  }

  #dated({ snapshot, serials }: StoredGroup, lookedAt: Milliseconds): GroupSnapshot {
    const nodes = snapshot.nodes.map((node) => {
      if (node.report.at === null) return node;
      const heardAt = this.#heardAt(
        node.id,
        serials.get(node.id) ?? 0,
        snapshot.now - node.report.at,
        lookedAt,
      );
      return { ...node, report: { ...node.report, at: snapshot.now - (lookedAt - heardAt) } };
    });
    return { ...snapshot, nodes };
  }

  #heardAt(id: number, serial: number, age: Milliseconds, lookedAt: Milliseconds): Milliseconds {
    const before = this.#contacts.get(id);
    const known = before && before.lookedAt >= this.#resumedAt ? before : undefined;
    const heardAt = heardSince(known, serial, age, lookedAt);
    this.#contacts.set(id, { serial, heardAt, lookedAt });
    return heardAt;
  }
}

function heardSince(
  before: Contact | undefined,
  serial: number,
  age: Milliseconds,
  lookedAt: Milliseconds,
): Milliseconds {
  if (!before) return lookedAt;
  return before.serial === serial ? before.heardAt : Math.max(before.lookedAt, lookedAt - Math.max(0, age));
}
