import type { PartitionPolicy } from '@pgaf/core/partition-policy';
import type { State } from '@pgaf/core/states';
import { DEFAULT_TIMINGS } from './default-timings.js';
import type { GroupSnapshot, KeeperFacts, NodeSnapshot, SyncSetting } from './vocabulary.js';

/** Groups for tests: nodes that are well unless a test says otherwise. */
export interface NodeFixture {
  readonly id: number;
  readonly reported: State;
  readonly goal?: State;
  readonly lsn?: bigint;
  readonly tli?: number;
  readonly priority?: number;
  readonly quorum?: boolean;
  /** `default` unless it is a read replica. */
  readonly cluster?: string;
  readonly paused?: boolean;
  readonly running?: boolean;
  /** Seconds since a state of it changed. */
  readonly unchangedFor?: number;
  readonly facts?: KeeperFacts;
  /** Seconds since the last report. */
  readonly silentFor?: number;
  readonly seen?: Partial<NodeSnapshot['seen']>;
}

const NOW = 1_000_000;

export function nodeFixture(fixture: NodeFixture): NodeSnapshot {
  return {
    id: fixture.id,
    name: `node_${fixture.id}`,
    host: '127.0.0.1',
    port: 5500 + fixture.id,
    role: 'node',
    cluster: fixture.cluster ?? 'default',
    reported: fixture.reported,
    goal: fixture.goal ?? fixture.reported,
    candidatePriority: fixture.priority ?? 50,
    quorum: fixture.quorum ?? true,
    paused: fixture.paused ?? false,
    changedAt: NOW - (fixture.unchangedFor ?? 60) * 1000,
    report: {
      at: NOW - (fixture.silentFor ?? 0) * 1000,
      postgresRunning: fixture.running ?? true,
      tli: fixture.tli ?? 1,
      lsn: fixture.lsn ?? 1000n,
      facts: fixture.facts ?? {},
    },
    seen: { health: 'good', healthSince: NOW - 60_000, refused: false, session: 'open', ...fixture.seen },
  };
}

export interface GroupFixture {
  readonly nodes: readonly NodeFixture[];
  readonly leader?: number | null;
  readonly epoch?: number;
  readonly inForce?: readonly SyncSetting[];
  readonly numberSyncStandbys?: number;
  readonly partitionPolicy?: PartitionPolicy;
  readonly switchoverTarget?: number;
  readonly walSource?: number;
  readonly restored?: boolean;
}

export function groupFixture(fixture: GroupFixture): GroupSnapshot {
  const epoch = fixture.epoch ?? 1;
  return {
    now: NOW,
    timings: { ...DEFAULT_TIMINGS, serviceStartedAt: NOW - 3_600_000 },
    formation: {
      id: 'default',
      kind: 'pgsql',
      dbname: 'postgres',
      numberSyncStandbys: fixture.numberSyncStandbys ?? 0,
      partitionPolicy: fixture.partitionPolicy ?? 'availability',
      secondary: true,
    },
    group: 0,
    epoch,
    leader: fixture.leader === undefined ? 1 : fixture.leader,
    settingsInForce: fixture.inForce ?? [{ version: 1, required: 1, members: [2] }],
    lineage: [{ epoch, tli: 1, switchpoint: null }],
    switchoverTarget: fixture.switchoverTarget ?? null,
    switchoverForced: false,
    walSource: fixture.walSource ?? null,
    restored: fixture.restored ?? false,
    memory: {},
    nodes: fixture.nodes.map(nodeFixture),
  };
}

/** The node's whole host went down: its keeper's session is closed and it refuses connections. */
export const HOST_DOWN = {
  silentFor: 1,
  seen: { health: 'bad', refused: true, session: 'closed', healthSince: NOW - 500 },
} as const;

/** Nothing is heard and nothing is refused. */
export const HOST_SILENT = {
  silentFor: 10,
  seen: { health: 'bad', refused: false, session: 'open', healthSince: NOW - 9000 },
} as const;
