import type { State } from '@pgaf/core/states';
import { DEFAULT_TIMINGS } from '@pgaf/fsm/default-timings';
import { emptyGroup } from '@pgaf/fsm/empty-group';
import { whatFailoverWaitsFor } from '@pgaf/fsm/waiting';
import type { FormationSnapshot, GroupSnapshot, NodeSnapshot } from '@pgaf/plugin-api/snapshot';
import type { Client } from 'pg';
import { expect, test } from 'vitest';
import { Announcer } from './announcer.js';
import { GroupDesk, type GroupDeskOptions } from './group-desk.js';
import type { StoredGroup } from './group-store.js';
import { Inbox } from './inbox.js';
import { LogBook } from './testing/log-book.js';

const NOW = 1_000_000;
const formation: FormationSnapshot = {
  ...{ id: 'default', kind: 'pgsql', dbname: 'postgres', numberSyncStandbys: 0, secondary: true },
  partitionPolicy: 'availability',
};

function node(id: number, [reported, goal]: readonly [State, State]): NodeSnapshot {
  return {
    ...{ id, name: `n${id}`, host: '127.0.0.1', port: id, role: 'node', cluster: 'default' },
    ...{ reported, goal, candidatePriority: 50, quorum: true, paused: false, changedAt: NOW },
    report: { at: NOW, postgresRunning: true, tli: 1, lsn: 1n, facts: {} },
    seen: { health: 'good', healthSince: NOW, refused: false, session: 'open' },
  };
}

/** Two nodes that report one of these states, and are to be in the other. */
function group(...states: readonly (readonly [State, State])[]): StoredGroup {
  const snapshot: GroupSnapshot = {
    ...emptyGroup({
      ...{ now: NOW, formation, group: 0 },
      timings: { ...DEFAULT_TIMINGS, serviceStartedAt: 0 },
    }),
    nodes: states.map((each, i) => node(i + 1, each)),
  };
  return { snapshot, waiting: whatFailoverWaitsFor(snapshot), serials: new Map() };
}

const otherGroup: StoredGroup = {
  ...group(),
  snapshot: { ...group().snapshot, group: 1 },
};

test('of many nodes, one that takes the writes of its group now is announced to others at once, and once', async () => {
  let announced = 0;
  const logger = new LogBook();
  const announcer = new Announcer(
    { query: () => Promise.resolve(void announced++) } as unknown as Pick<Client, 'query'>,
    (error) => {
      throw error;
    },
    () => undefined,
  );
  announcer.holdsBack = true;
  // No rule says anything, so that nothing is written.
  const desk = new GroupDesk({
    kinds: { ruleBook: () => ({ rules: [], guards: {} }) },
    ...{ logger, inbox: new Inbox(), announcer },
  } as unknown as GroupDeskOptions);
  const seen: number[] = [];
  await desk.settleAll([otherGroup]);
  for (const states of [
    group(['primary', 'primary'], ['secondary', 'secondary']),
    group(['primary', 'draining'], ['secondary', 'secondary']),
    group(['draining', 'draining'], ['prepare_promotion', 'wait_primary']),
    group(['draining', 'demoted'], ['wait_primary', 'wait_primary']),
    group(['demoted', 'catchingup'], ['wait_primary', 'primary']),
    group(['secondary', 'secondary'], ['primary', 'primary']),
  ]) {
    await desk.settleAll([states]);
    seen.push(announced);
  }
  expect(logger.lines).toEqual([]);
  expect(seen).toEqual([0, 0, 0, 1, 1, 1]);
});
