import type { Milliseconds } from '@pgaf/core/durations';

/** A node as the monitor knows it. */
export interface WatchedNode {
  readonly id: number;
  readonly group: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly region: string;
  readonly quorum: boolean;
  readonly priority: number;
  readonly tli: number;
  /** As Postgres prints it. */
  readonly lsn: string;
  /** 1 good, 0 bad, -1 not known yet. */
  readonly health: number;
  readonly reported: string;
  readonly assigned: string;
  /** Since its keeper's last report. */
  readonly reportAge: Milliseconds;
  /** Since the monitor's last check of its health. */
  readonly checkAge: Milliseconds;
}

export interface WatchedEvent {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly name: string;
  /** The id of the rule that decided it; null for news that no rule decided. */
  readonly rule: string | null;
  readonly description: string;
}

/** All that is drawn. */
export interface Picture {
  readonly formation: string;
  /** Null while it is not known. */
  readonly numberSyncStandbys: number | null;
  readonly nodes: readonly WatchedNode[];
  /** Newest first. */
  readonly events: readonly WatchedEvent[];
  /** Why the monitor is not heard, or what nodes wait for; null when all is well. */
  readonly notice: string | null;
  readonly now: Date;
  /** How `Node` names one. */
  readonly nodeLabel: (group: number, node: number) => string;
}
