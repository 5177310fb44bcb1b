import type { JsonObject } from '@pgaf/core/json';
import type { Lsn } from '@pgaf/core/lsn';
import type { NodeView } from '@pgaf/core/formation-view';
import type { Milliseconds } from '@pgaf/core/durations';
import type { PartitionPolicy } from '@pgaf/core/partition-policy';
import type { Promotion } from '@pgaf/core/timeline';

/**
 * Everything a decision may look at: one group, read in one query. The rules read no clock, socket, file or
 * setting; `now` and the timings are part of the snapshot. Instants are milliseconds of one clock, the
 * monitor's.
 */
export interface GroupSnapshot {
  readonly now: Milliseconds;
  readonly timings: Timings;
  readonly formation: FormationSnapshot;
  readonly group: number;
  /**
   * The monitor was restored from a backup since anything was decided of the group: what it knows may be of the past,
   * until all nodes have told what they are.
   */
  readonly restored: boolean;
  /** The number of promotions this group has been ordered. 0 before its first node. */
  readonly epoch: number;
  /** The node that the epoch was given to; null before the first, and when an operator removed it by force. */
  readonly leader: number | null;
  /** F of the promotion rule: every setting of the current epoch that may be in force, oldest first. */
  readonly settingsInForce: readonly SyncSetting[];
  readonly lineage: readonly Promotion[];
  /** The node that an operator's switchover wants as the next leader; null when none is under way. */
  readonly switchoverTarget: number | null;
  /**
   * Of that switchover: what would have it given up, such as a client's transaction, may be ended for it. In a group without
   * a leader: an operator has accepted the loss of what only nodes have that are not there, so nobody waits for them.
   */
  readonly switchoverForced: boolean;
  /** The node that the one in `fast_forward` receives from what it lacks; null when none was named yet. */
  readonly walSource: number | null;
  /** What the plugin of the formation's kind must remember about the group. */
  readonly memory: JsonObject;
  /** All nodes of the group, by id; those being dropped included. */
  readonly nodes: readonly NodeSnapshot[];
}

export interface FormationSnapshot {
  readonly id: string;
  readonly kind: string;
  readonly dbname: string;
  readonly numberSyncStandbys: number;
  readonly partitionPolicy: PartitionPolicy;
  /** False in a formation that takes no standbys. */
  readonly secondary: boolean;
}

export interface Timings {
  /** The monitor service's own start; nothing it did not see before counts as silence. */
  readonly serviceStartedAt: Milliseconds;
  /** A node is silent when its last report is older: two missed reports. */
  readonly silentAfter: Milliseconds;
  /** A health check that fails for longer than this outweighs a keeper that says all is well. */
  readonly badHealthAfter: Milliseconds;
  /** What a fenced Postgres may take to stop, and clocks to differ, on top of the leader's lease. */
  readonly leaseMargin: Milliseconds;
  /** Bytes that a standby may lag behind and still become `secondary`. */
  readonly enableSyncLag: Lsn;
}

/** `ANY required (members)`; with 0 required, commits wait for no standby. */
export interface SyncSetting {
  /** Counts up within a group, over all epochs. */
  readonly version: number;
  readonly required: number;
  /** Node ids, in the order of the setting. */
  readonly members: readonly number[];
}

export interface NodeSnapshot extends NodeView {
  readonly candidatePriority: number;
  readonly quorum: boolean;
  /** When its reported or its assigned state last changed. */
  readonly changedAt: Milliseconds;
  /** An operator works on it by hand: nothing of its group is failed over without an order. */
  readonly paused: boolean;
  /** What the keeper says. */
  readonly report: KeeperReport;
  /** What the monitor sees. */
  readonly seen: Sighting;
}

/** What a keeper says of its node. `at` is null until its first report. */
export interface KeeperReport {
  readonly at: Milliseconds | null;
  readonly postgresRunning: boolean;
  readonly tli: number;
  readonly lsn: Lsn;
  readonly facts: KeeperFacts;
}

/** The part of a report that decisions hang on; an absent fact is one the keeper cannot vouch for now. */
export interface KeeperFacts {
  /** The highest epoch that the keeper has persisted. */
  readonly epoch?: number;
  /** To whom that epoch was given, as the keeper was told last; null when an operator has given that node up since. */
  readonly leader?: number | null;
  /**
   * The promise for `epoch`: this node streams from no older epoch any more, everything that it ever
   * acknowledged lies at or before `lsn` on timeline `tli` or an older one, and it has everything up to there.
   * Measured while primary_conninfo is empty and no walreceiver is left; kept from then on, since only what other
   * nodes that promised send it can still add to it. Whom that epoch was given to says it until it has begun it.
   */
  readonly promise?: { readonly epoch: number; readonly tli: number; readonly lsn: Lsn };
  /**
   * The epoch that it is about to promise for: that is on disk, so it follows nobody in an older one any more, and what it
   * has is not measured yet.
   */
  readonly promising?: number;
  /**
   * Postgres is stopped and will not be started below `belowEpoch`. `finalLsn` is set when it stopped
   * cleanly: who reached that position has everything it ever wrote. After an immediate stop, which cuts short what
   * it sends, it is the end of its own WAL: at or past everything that was acknowledged, and maybe nobody else's.
   */
  readonly stopped?: { readonly belowEpoch: number; readonly finalLsn: Lsn | null; readonly cutShort?: true };
  /** The newest setting that is confirmed: reloaded, and flushed past by enough members since. */
  readonly confirmedSetting?: number;
  /**
   * The setting, by its version, that Postgres does not use although it was told to: somebody else's value wins over
   * it, so that commits may be acknowledged under no setting that the group knows.
   */
  readonly overriddenSetting?: number;
  /**
   * The nodes that stream from this leader, by id. The end of a stream that this list no longer names came
   * before this report, so it says nothing of what became of the leader after it.
   */
  readonly streams?: readonly number[];
  /**
   * This leader stops Postgres when its last renewal was asked for longer ago than this; absent while nothing holds it
   * to that, as during a pause.
   */
  readonly lease?: Milliseconds;
  /** What `lease` is, or would be were this node the leader: its `network_partition_timeout`. */
  readonly leaseAsLeader?: Milliseconds;
  /** What a standby sees of the node it streams from. */
  readonly upstream?: UpstreamSighting;
  /** For at least this long, when the report was made, nothing has come to this standby from any upstream. */
  readonly quietFor?: Milliseconds;
  /** Nodes that it was told to receive from lately, and got nothing from. */
  readonly noWalFrom?: readonly number[];
  /** The timeline that this node's promotion for `epoch` made, and where it left its parent. */
  readonly promoted?: { readonly epoch: number; readonly tli: number; readonly switchpoint: Lsn };
  /** The keeper knows that its node is paused: one that does not run was not tried to be started. */
  readonly paused?: true;
  /**
   * Postgres runs, and has not answered its keeper for as long as a lease. That counts, and `postgresRunning` is false,
   * unless it answers the monitor.
   */
  readonly hangs?: true;
  /** Its Postgres was killed, and has not ended, as for a disk that hangs: it cannot be started before. */
  readonly doomed?: true;
  /** The keeper was told to stop Postgres and to end; it goes when the group can do without it, or soon after. */
  readonly leaving?: true;
  /**
   * Somebody opened this standby for writes, and nothing was taken back since. Its WAL is not the leader's alone, so it
   * promises nothing.
   */
  readonly strayed?: true;
  /** When an operator last opened this node for writes by force, by its own clock; ISO 8601. */
  readonly forcedAt?: string;
  /** A switchover, or its drop, that this primary gave up before it stopped Postgres, and why. */
  readonly abandoned?: string;
  /** The reason why the last step of the edge under way is not done yet. */
  readonly waitingFor?: string;
  /** What the operator of the node should mend, a sentence each; absent while it is not known. */
  readonly warnings?: readonly string[];
  /** By the plugin to those of other nodes; no decision hangs on it. */
  readonly said?: JsonObject;
}

export interface UpstreamSighting {
  readonly node: number;
  readonly streaming: boolean;
  /** The stream ended by EOF or reset, not by a timeout. */
  readonly closed: boolean;
  /** A connection to the upstream's Postgres was refused by its host just now. */
  readonly refused: boolean;
}

/** What the monitor sees of a node by itself. Not seen is not dead: see `proved down` in libs/fsm. */
export interface Sighting {
  readonly health: 'unknown' | 'bad' | 'good';
  /** Since when `health` has its value. */
  readonly healthSince: Milliseconds;
  /** The last check was refused by the host itself (RST), which a silent host cannot do. */
  readonly refused: boolean;
  /**
   * The keeper's session: open; begun, with nothing said over it yet, so that what is known of the node is from before it;
   * closed by the keeper's host; or not known (never seen, monitor restarted).
   */
  readonly session: 'open' | 'begun' | 'closed' | 'unknown';
}
