import { baseRuleBook } from '@pgaf/fsm/rule-book';
import { decide } from '@pgaf/fsm/settle';
import { DEFAULT_TIMINGS } from '@pgaf/fsm/default-timings';
import type { State } from '@pgaf/core/states';
import type { GroupSnapshot, NodeSnapshot, Sighting } from '@pgaf/plugin-api/snapshot';

const NODES = 7;
const NOW = 1_000_000_000;
const WARM_UP = 2000;
const CALLS = 2000;

const WELL: Sighting = { health: 'good', healthSince: NOW - 60_000, refused: false, session: 'open' };
const DOWN: Sighting = { health: 'bad', healthSince: NOW - 1000, refused: true, session: 'closed' };

function node(id: number, reported: State, seen: Sighting): NodeSnapshot {
  return {
    id,
    name: `node_${id}`,
    host: `192.0.2.${id}`,
    port: 5432,
    role: 'node',
    cluster: 'default',
    reported,
    goal: reported,
    candidatePriority: 50,
    quorum: true,
    changedAt: 0,
    paused: false,
    report: {
      at: NOW - (seen === DOWN ? 3000 : 300),
      postgresRunning: true,
      tli: 1,
      lsn: 0x3000148n,
      facts: { epoch: 1, ...(reported === 'primary' && { confirmedSetting: 1 }) },
    },
    seen,
  };
}

function groupOfSeven(primary: Sighting): GroupSnapshot {
  const standbys = Array.from({ length: NODES - 1 }, (_, i) => i + 2);
  return {
    now: NOW,
    timings: { ...DEFAULT_TIMINGS, serviceStartedAt: NOW - 3_600_000 },
    formation: {
      id: 'default',
      kind: 'pgsql',
      dbname: 'postgres',
      numberSyncStandbys: 1,
      partitionPolicy: 'availability',
      secondary: true,
    },
    group: 0,
    epoch: 1,
    leader: 1,
    settingsInForce: [{ version: 1, required: 1, members: standbys }],
    lineage: [{ epoch: 1, tli: 1, switchpoint: null }],
    switchoverTarget: null,
    switchoverForced: false,
    walSource: null,
    restored: false,
    memory: {},
    nodes: [node(1, 'primary', primary), ...standbys.map((id) => node(id, 'secondary', WELL))],
  };
}

function microseconds(group: GroupSnapshot): number {
  const book = baseRuleBook();
  for (let n = 0; n < WARM_UP; n++) decide(group, book);
  const start = performance.now();
  for (let n = 0; n < CALLS; n++) decide(group, book);
  return ((performance.now() - start) * 1000) / CALLS;
}

/** µs that the monitor takes to decide for a group of seven: the longer of at rest, and its primary just lost. */
export function decideCost(): number {
  return Math.max(microseconds(groupOfSeven(WELL)), microseconds(groupOfSeven(DOWN)));
}
