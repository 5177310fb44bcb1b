import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import type { ModelPostgres } from '@pgaf/simulator/model-postgres';
import type { Host } from '@pgaf/simulator/world';
import {
  comparable,
  memoryOf,
  syncText,
  type DataDirectory,
  type EndState,
  type Processes,
} from './end-state.js';

/** Where a node of the simulator stands; `group` has its last report. */
export function endStateOfModel({ id, postgres, keeper }: Host, group: GroupSnapshot): EndState {
  const node = group.nodes.find((one) => one.id === id);
  if (!node) throw new RangeError(`the model has no node ${id}`);
  const { postgresRunning, facts } = node.report;
  return {
    postgres: processesOf(postgres),
    directory: postgres.usable ? directoryOf(postgres) : null,
    memory: memoryOf(keeper.memory),
    report: { state: node.reported, postgresRunning, facts: comparable(facts) },
  };
}

function processesOf(postgres: ModelPostgres): Processes {
  if (postgres.life !== 'up') {
    return { running: false, inRecovery: null, follows: null, streamsFrom: null, commitsWait: null };
  }
  return {
    running: true,
    inRecovery: postgres.inRecovery,
    follows: postgres.inRecovery ? postgres.conninfo : null,
    streamsFrom: postgres.receiver?.upstream.id ?? null,
    commitsWait: postgres.commitsWait,
  };
}

function directoryOf(postgres: ModelPostgres): DataDirectory {
  const { standby, upstream, sync } = postgres.configuration;
  return {
    standbySignal: standby,
    upstream,
    sync: syncText(sync),
    slots: [...postgres.slots].sort((a, b) => a - b),
    timeline: postgres.branch.tli,
  };
}
