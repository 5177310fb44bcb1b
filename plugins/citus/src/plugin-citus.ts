import { CONTRACT_VERSION, definePlugin, type EdgePatch, type NodeRequirements } from '@pgaf/plugin-api';
import { choose, CITUS_FLAGS, PROXY_PORT } from './creation.js';
import { CITUS_SETTINGS, settingsFor } from './node-settings.js';
import { assignGroup, COORDINATOR_GROUP, nodeName, validateNode } from './placement.js';
import { removalLoss, validateRemoval } from './removal.js';

const FIRST_WORKER = COORDINATOR_GROUP + 1;

function requirementsOf(role: string): NodeRequirements {
  return {
    role,
    settings: CITUS_SETTINGS,
    settingsFor,
    preload: ['citus'],
    extensions: [{ name: 'citus', atLeast: '11.0' }],
    // Whoever sends a query to one node comes from there to the others by the same name.
    hba: [{ user: 'all', from: 'formation' }],
  };
}

const COORDINATORS = ['coordinator'];
const WORKERS = ['worker'];
/** Ways of a primary that stops in good order while others may take over. */
const MAKES_WAY = [
  ['single', 'draining'],
  ['wait_primary', 'draining'],
  ['join_primary', 'draining'],
  ['apply_settings', 'draining'],
  ['primary', 'draining'],
  ['primary', 'prepare_maintenance'],
  ['wait_primary', 'dropped'],
  ['join_primary', 'dropped'],
  ['apply_settings', 'dropped'],
  ['primary', 'dropped'],
] as const;
/**
 * The first node of a group is added; before a primary that makes way stops, queries to a worker are held up, and commits of
 * a coordinator; and the last node is taken out.
 */
const EDGE_PATCHES: readonly EdgePatch[] = [
  ...(['init', 'dropped'] as const).map((from): EdgePatch => ({
    from,
    to: 'single',
    roles: WORKERS,
    place: 'after',
    steps: [{ do: 'plugin', kind: 'citus', step: 'awaitCoordinator' }],
  })),
  ...MAKES_WAY.map(([from, to]): EdgePatch => ({
    from,
    to,
    roles: WORKERS,
    place: 'before',
    of: 'stopPostgres',
    steps: [
      { do: 'plugin', kind: 'citus', step: 'awaitPause' },
      // The wait may be long: the target is looked at once more, and whether the pause has lasted meanwhile.
      { do: to === 'dropped' ? 'verifySuccessor' : 'verifyTarget' },
      { do: 'plugin', kind: 'citus', step: 'confirmPause' },
    ],
  })),
  ...MAKES_WAY.map(([from, to]): EdgePatch => ({
    from,
    to,
    roles: COORDINATORS,
    place: 'before',
    of: 'stopPostgres',
    steps: [{ do: 'plugin', kind: 'citus', step: 'holdCommits' }],
  })),
  {
    from: 'single',
    to: 'dropped',
    roles: WORKERS,
    place: 'before',
    of: 'stopPostgres',
    steps: [{ do: 'plugin', kind: 'citus', step: 'awaitLettingGo' }],
  },
];

/** Citus: the coordinator in group 0, workers in the groups from 1 on. */
export default definePlugin({
  kind: 'citus',
  packageName: '@pgaf/plugin-citus',
  version: '0.1.0',
  contract: CONTRACT_VERSION,
  ranges: { schema: [1, 99], postgres: [13, 18] },
  roles: [
    {
      name: 'coordinator',
      command: 'coordinator',
      summary: 'Create a coordinator of a Citus formation',
      groups: { from: COORDINATOR_GROUP, to: COORDINATOR_GROUP },
      defaultDbname: 'citus',
      flags: CITUS_FLAGS,
      choose: (request) => choose(request, COORDINATOR_GROUP),
    },
    {
      name: 'worker',
      command: 'worker',
      summary: 'Create a worker of a Citus formation',
      groups: { from: FIRST_WORKER, to: null },
      defaultDbname: 'citus',
      flags: [...CITUS_FLAGS, PROXY_PORT],
      choose: (request) => choose(request, FIRST_WORKER),
    },
  ],
  assignGroup,
  validateNode,
  validateRemoval,
  removalLoss,
  nodeName,
  requirements: [requirementsOf('coordinator'), requirementsOf('worker')],
  edgePatches: EDGE_PATCHES,
  uriGroup: COORDINATOR_GROUP,
  configuration: {
    name: 'citus',
    options: [
      { key: 'secondary', default: 'false', summary: 'Whether the node serves reads of its cluster alone' },
      { key: 'cluster', default: 'default', summary: 'The cluster of read replicas it belongs to' },
      {
        key: 'proxyport',
        default: '0',
        summary: 'Port of a pooler in front of this node, 0 for none',
        section: 'postgresql',
      },
    ],
  },
  commands: [
    {
      name: 'activate',
      summary: 'Wait until the coordinator sends queries to a worker',
      flags: [
        { name: 'name', summary: 'Name of the worker, else the local node', type: 'text' },
        { name: 'wait', summary: 'Seconds to wait for it', type: 'integer', default: 60 },
      ],
      run: async () => (await import('./activate.js')).activate,
    },
  ],
  keeper: async () => (await import('./keeper-part.js')).default,
});
