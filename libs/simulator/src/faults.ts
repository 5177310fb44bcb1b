import type { PartitionPolicy } from '@pgaf/core/partition-policy';

/** In the place of a node: whoever leads the group at that instant. */
export const LEADER = -1;

/** What a fault may wait for: the monitor changes a goal, assigns a setting, or orders a promotion. */
export type Occasion = 'decision' | 'setting' | 'promotion';

/** One thing that goes wrong, or that an operator does, at an instant of a run. Nodes by place; times in ms. */
export type Fault = ProcessFault | HostFault | NetworkFault | MonitorFault | Operation;

interface Instant {
  readonly at: number;
  /** Not yet, but so long after the next one from then on. */
  readonly after?: { readonly next: Occasion; readonly by: number };
}

interface OfNode extends Instant {
  readonly node: number;
}

interface Lasting {
  readonly for: number;
}

type ProcessFault =
  | ({ readonly do: 'killKeeper' } & OfNode & Lasting)
  /** Its backends outlive the postmaster for `linger`. */
  | ({ readonly do: 'killPostmaster'; readonly linger: number } & OfNode)
  /** The keeper and the postmaster are killed, and backends linger. */
  | ({ readonly do: 'killServices'; readonly linger: number } & OfNode & Lasting)
  /** Every process of the node; its host stays and refuses connections. */
  | ({ readonly do: 'killNode' } & OfNode & Lasting)
  /** What is frozen is woken again, and goes on where it was; its host answers for it meanwhile. */
  | ({ readonly do: 'freezeNode' | 'freezeKeeper' | 'freezePostgres' } & OfNode & Lasting)
  /** Postgres crashes, and cannot be started for a while. */
  | ({ readonly do: 'breakPostgres' } & OfNode & Lasting);

type HostFault =
  /** Nothing answers any more, not even with a refusal. */
  | ({ readonly do: 'powerOff' } & OfNode & Lasting)
  /** Every process of the site is gone at once, the monitor's too; each host comes back in its own time. */
  | ({ readonly do: 'powerCut' } & Instant & Lasting)
  | ({ readonly do: 'slowDisk'; readonly atMost: number } & OfNode & Lasting)
  /** Each process of its Postgres takes up to so long to read the files that it was told to read. */
  | ({ readonly do: 'slowReload'; readonly atMost: number } & OfNode & Lasting);

type NetworkFault =
  | ({ readonly do: 'resetSession' } & OfNode)
  /** Nothing comes through in this direction. */
  | ({ readonly do: 'cut'; readonly from: number; readonly to: number } & Instant & Lasting)
  | ({ readonly do: 'split'; readonly a: number; readonly b: number } & Instant & Lasting)
  /** Somebody between these nodes resets their connections, and refuses new ones in the name of the other. */
  | ({ readonly do: 'reject'; readonly a: number; readonly b: number } & Instant & Lasting)
  /** Nothing that the host sends gets out, or nothing that is sent to it gets in. */
  | ({ readonly do: 'mute' | 'deafen' } & OfNode & Lasting)
  /** These hosts see each other, and none of the others; 0 is the monitor's. */
  | ({ readonly do: 'partition'; readonly hosts: readonly number[] } & Instant & Lasting)
  | ({ readonly do: 'slowNetwork' | 'lossyNetwork' } & Instant & Lasting);

type MonitorFault =
  | ({ readonly do: 'killService' | 'crashMonitor' } & Instant & Lasting)
  /** Its Postgres is lost, and after a while a backup that was made so long before that takes its place. */
  | ({ readonly do: 'restoreMonitor'; readonly age: number } & Instant & Lasting)
  /** What it decides takes long to be committed. */
  | ({ readonly do: 'slowService' } & Instant & Lasting)
  /** Another service begins, and the old one does not know. */
  | ({ readonly do: 'secondService' } & Instant);

type Operation =
  /** Its keeper is told to stop; it is started again when it has, at the earliest after `for`. */
  | ({ readonly do: 'stopNode' | 'stopAtOnce' } & OfNode & Lasting)
  | ({ readonly do: 'stopAll' } & Instant & Lasting)
  | ({ readonly do: 'switchover' } & Instant)
  | ({ readonly do: 'promote' } & OfNode)
  /** An operator takes the node into his own hands for a while. */
  | ({ readonly do: 'pause' } & OfNode & Lasting)
  /** Somebody opens the Postgres of a standby for writes, and writes there. */
  | ({ readonly do: 'promoteByHand'; readonly bytes: number } & OfNode)
  /** The same, and Postgres crashes before it is open. */
  | ({ readonly do: 'promoteByHandInVain'; readonly reached: 'signal' | 'record' } & OfNode)
  /** Postgres is stopped by hand, and started by hand when the node is paused still and its group's leader. */
  | ({ readonly do: 'stopByHand' } & OfNode & Lasting)
  /** An operator takes the node out of service for a while, and stops its Postgres by hand. */
  | ({ readonly do: 'maintain' } & OfNode & Lasting)
  | ({ readonly do: 'setPriority'; readonly priority: number } & OfNode)
  /** 0 takes it out of the quorum. */
  | ({ readonly do: 'setQuorum'; readonly quorum: number } & OfNode)
  | ({ readonly do: 'setNumberSync'; readonly number: number } & Instant)
  | ({ readonly do: 'setPolicy'; readonly policy: PartitionPolicy } & Instant)
  /** The host is gone for good: its operator drops the node by force, and a new one takes its place. */
  | ({ readonly do: 'loseForGood' } & OfNode)
  /** An operator drops the node, and when it is gone a new one takes its place. */
  | ({ readonly do: 'replaceNode' } & OfNode);

export function describe({ do: name, at, after, ...rest }: Fault): string {
  const details = Object.entries(rest).map(([key, value]) =>
    value === LEADER ? `${key} the leader` : `${key} ${printed(value)}`,
  );
  const when = after
    ? `${printed(after.by)} after the next ${after.next} from ${printed(at)} on`
    : printed(at);
  return [`at ${when}: ${name}`, ...details].join(', ');
}

function printed(value: number | string | readonly number[]): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : value.join('+');
}
