import type { State } from '@pgaf/core/states';
import { STATES, canTakeWrites, handsOver } from '@pgaf/core/states';
import type { KeeperEdge } from '@pgaf/plugin-api/edges';
import type { Step, StepName } from '@pgaf/plugin-api/steps';

type PlainStep = Exclude<StepName, 'plugin'>;

function edge(from: State | readonly State[], to: State, ...steps: PlainStep[]): KeeperEdge[] {
  const list: Step[] = steps.map((name) => ({ do: name }));
  return [from].flat().map((state) => ({ from: state, to, steps: list }));
}

const REPLICATED_LEADER: readonly State[] = ['wait_primary', 'join_primary', 'primary', 'apply_settings'];

/** States in which Postgres may run as the leader, so that a stop must leave a final LSN. */
const stopsAsLeader = (state: State): boolean => canTakeWrites(state) || handsOver(state);

/** How a keeper gets from each state to each goal, for every kind of formation. */
export const BASE_EDGES: readonly KeeperEdge[] = [
  // The first node, new or created again after it was dropped
  ...edge(
    ['init', 'dropped'],
    'single',
    'initdb',
    'writeSettings',
    'setSyncStandbys',
    'writePrimaryConfig',
    'startPostgres',
    'createRoles',
    'maintainSlots',
  ),

  // A leader. Its host may restart on the way, so each way that needs Postgres starts it.
  ...edge('single', 'wait_primary', 'startPostgres', 'maintainSlots', 'setSyncStandbys'),
  ...edge(
    ['single', 'wait_primary', 'join_primary', 'apply_settings'],
    'primary',
    'startPostgres',
    'maintainSlots',
    'setSyncStandbys',
    'confirmSyncStandbys',
  ),
  ...edge(['primary', 'apply_settings', 'join_primary'], 'wait_primary', 'setSyncStandbys'),
  ...edge('primary', 'apply_settings', 'startPostgres', 'maintainSlots', 'setSyncStandbys'),
  ...edge(REPLICATED_LEADER, 'single', 'setSyncStandbys', 'startPostgres', 'maintainSlots'),

  // A leader that hands over. The first two steps run while clients write; what follows is the outage.
  ...edge(
    ['primary', 'apply_settings', 'join_primary', 'wait_primary', 'single'],
    'draining',
    'checkpoint',
    'verifyTarget',
    'stopPostgres',
    'recordStop',
  ),
  ...edge('primary', 'prepare_maintenance', 'checkpoint', 'verifyTarget', 'stopPostgres', 'recordStop'),
  ...edge('prepare_maintenance', 'draining', 'stopPostgres', 'recordStop'),
  // It had stopped to be dropped, and stays: it was given up meanwhile, or its drop was.
  ...edge('dropped', 'draining', 'stopPostgres', 'recordStop'),
  ...edge('dropped', 'demoted', 'stopPostgres'),
  // It was told to stop, too, and had before it heard of the maintenance.
  ...edge('draining', 'prepare_maintenance', 'stopPostgres'),
  ...edge(
    [
      'single',
      'primary',
      'apply_settings',
      'join_primary',
      'wait_primary',
      'draining',
      'prepare_maintenance',
      'demote_timeout',
    ],
    'demoted',
    'stopPostgres',
  ),
  ...edge(
    ['draining', 'prepare_maintenance', 'demote_timeout', 'demoted', 'dropped'],
    'wait_primary',
    'setSyncStandbys',
    'writePrimaryConfig',
    'startPostgres',
    'promote',
    'maintainSlots',
  ),
  ...edge(
    ['draining', 'prepare_maintenance', 'demote_timeout', 'demoted'],
    'single',
    'setSyncStandbys',
    'writePrimaryConfig',
    'startPostgres',
    'promote',
    'maintainSlots',
  ),
  ...edge(
    ['draining', 'demoted'],
    'catchingup',
    'stopPostgres',
    'rewindOrCopy',
    'writeSettings',
    'writeStandbyConfig',
    'startPostgres',
  ),

  // A standby
  ...edge(['init', 'dropped'], 'wait_standby'),
  ...edge(
    'wait_standby',
    'catchingup',
    'copyFromLeader',
    'writeSettings',
    'writeStandbyConfig',
    'startPostgres',
  ),
  // The leader may have changed while this node was away, so that it never left `catchingup`.
  ...edge(
    ['catchingup', 'join_secondary'],
    'secondary',
    'writeStandbyConfig',
    'startPostgres',
    'followLeader',
    'awaitStreaming',
    'maintainSlots',
  ),
  ...edge(
    ['secondary', 'join_secondary', 'wait_maintenance'],
    'catchingup',
    'writeStandbyConfig',
    'startPostgres',
    'followLeader',
  ),

  // A standby that follows the next leader. A reload is enough: its WAL and the leader's are one.
  ...edge(
    ['catchingup', 'secondary', 'wait_maintenance', 'prepare_promotion', 'report_lsn', 'fast_forward'],
    'join_secondary',
    'writeStandbyConfig',
    'startPostgres',
    'followLeader',
  ),

  // A promise, and what becomes of it
  ...edge(
    ['secondary', 'catchingup', 'join_secondary', 'report_lsn', 'fast_forward'],
    'prepare_promotion',
    'promise',
  ),
  ...edge(
    ['secondary', 'catchingup', 'join_secondary', 'fast_forward', 'prepare_promotion'],
    'report_lsn',
    'promise',
  ),
  ...edge('report_lsn', 'fast_forward', 'fastForward', 'promise'),
  // Without a promise: one that has all that its leader had when it stopped, or whose timeline an operator declared the real one.
  ...edge(
    ['prepare_promotion', 'secondary', 'catchingup'],
    'wait_primary',
    'setSyncStandbys',
    'promote',
    'writePrimaryConfig',
    'startPostgres',
    'maintainSlots',
  ),
  ...edge(
    ['prepare_promotion', 'secondary', 'catchingup'],
    'single',
    'setSyncStandbys',
    'promote',
    'writePrimaryConfig',
    'startPostgres',
    'maintainSlots',
  ),
  ...edge(
    ['prepare_promotion', 'report_lsn', 'fast_forward'],
    'catchingup',
    'writeStandbyConfig',
    'startPostgres',
    'followLeader',
  ),
  // Its row may say `catchingup` still, when it was lost with the monitor's power: then it is taken for ready.
  ...edge(
    ['prepare_promotion', 'report_lsn', 'fast_forward'],
    'secondary',
    'writeStandbyConfig',
    'startPostgres',
    'followLeader',
    'awaitStreaming',
    'maintainSlots',
  ),

  // A node that is taken out of service. Its Postgres is the operator's; an old leader's cannot come up as one.
  ...edge(
    ['primary', 'prepare_maintenance', 'draining'],
    'maintenance',
    'stopPostgres',
    'writeStandbyConfig',
  ),
  ...edge('secondary', 'wait_maintenance'),
  ...edge(['secondary', 'catchingup', 'wait_maintenance'], 'maintenance'),
  // Its row said `secondary` still, when a report was lost with the monitor's power.
  ...edge(['join_secondary', 'report_lsn', 'fast_forward'], 'maintenance'),
  ...edge('prepare_promotion', 'maintenance', 'stopPostgres', 'writeStandbyConfig'),
  ...edge('wait_maintenance', 'secondary', 'startPostgres', 'maintainSlots'),
  ...(['catchingup', 'join_secondary'] as const).flatMap((goal) =>
    edge(
      'maintenance',
      goal,
      'stopPostgres',
      'rewindOrCopy',
      'writeSettings',
      'writeStandbyConfig',
      'startPostgres',
    ),
  ),
  ...edge('maintenance', 'report_lsn', 'stopPostgres', 'promise'),

  // It was given an epoch, did not open in it, and is replaced. It may have been promoted all the same.
  ...edge(['prepare_promotion', 'secondary'], 'draining', 'stopPostgres', 'recordStop'),
  ...edge(['prepare_promotion', 'secondary'], 'demoted', 'stopPostgres'),
  // It had begun to follow, and a restored monitor knows it by what it had said last.
  ...edge('catchingup', 'demoted', 'stopPostgres'),

  // A node that leaves
  ...STATES.filter((state) => state !== 'dropped' && state !== 'unknown').flatMap((state) =>
    stopsAsLeader(state)
      ? edge(state, 'dropped', 'checkpoint', 'verifySuccessor', 'stopPostgres', 'recordStop')
      : edge(state, 'dropped', 'stopPostgres'),
  ),
];
