// A formation kind for tests: a hub in group 0 and any number of spokes, a group each. The hub's primary
// keeps a table of where the spokes' primaries are. It is a loose file that imports nothing: the tag is all
// that makes it a plugin.

const done = { tag: 'done' };

/** Spokes that take writes now, by group. */
function spokesOf(formation) {
  return formation.groups
    .filter(({ group }) => group > 0)
    .flatMap(({ group, leader, nodes }) =>
      nodes.filter(({ id }) => id === leader).map(({ host, port }) => ({ group, host, port })),
    );
}

function isHubLeader({ node, formation }) {
  const hub = formation.groups.find(({ group }) => group === 0);
  return (
    node.role === 'hub' &&
    hub?.leader === node.id &&
    ['single', 'wait_primary', 'primary'].includes(node.reported)
  );
}

async function createRegistry({ sql }) {
  await sql.query(
    'CREATE TABLE IF NOT EXISTS public.paired_registry (spoke int PRIMARY KEY, host text NOT NULL, port int NOT NULL)',
  );
  return done;
}

/** Postgres runs, and the roles and databases are not there yet. */
async function noteStart({ tell }) {
  await tell('The hub has started');
  return done;
}

async function reconcile(context) {
  if (!isHubLeader(context)) return done;
  await createRegistry(context);
  const session = await context.sql.session();
  try {
    await session.query('BEGIN');
    for (const { group, host, port } of spokesOf(context.formation)) {
      const changed = await session.query(
        `INSERT INTO public.paired_registry VALUES ($1, $2, $3)
         ON CONFLICT (spoke) DO UPDATE SET host = excluded.host, port = excluded.port
         WHERE (paired_registry.host, paired_registry.port) IS DISTINCT FROM (excluded.host, excluded.port)
         RETURNING spoke`,
        [group, host, port],
      );
      if (changed.length > 0) await context.tell(`The hub knows spoke ${group} at ${host}:${port}`);
    }
    await session.query('COMMIT');
  } finally {
    await session.close();
  }
  context.say(
    'spokes',
    spokesOf(context.formation).map(({ group }) => group),
  );
  return done;
}

/** Whoever takes writes notes when it was last sure of that, with the monitor or without. */
async function noteLease({ sql, leaseLeft }) {
  if (leaseLeft() === 0) return { tag: 'retry', reason: 'somebody else may take writes' };
  await sql.query(
    `CREATE TABLE IF NOT EXISTS public.paired_lease (id int PRIMARY KEY, noted timestamptz NOT NULL)`,
  );
  await sql.query(
    'INSERT INTO public.paired_lease VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET noted = excluded.noted',
  );
  return done;
}

/** The hub goes last. */
function validateRemoval({ node, formation }) {
  const hub = formation.groups.find(({ group }) => group === 0);
  const known = hub?.nodes.find(({ id }) => id === node)?.said.spokes ?? [];
  if (known.length === 0) return null;
  return { tag: 'refused', reason: `The hub has ${known.length} spoke(s)`, hint: 'Drop the spokes first.' };
}

/** Spokes of a zone of their own serve reads alone. */
function choose({ flags, candidatePriority }) {
  if (flags.zone !== 'aside') return { tag: 'node', cluster: 'default' };
  if (candidatePriority) {
    return { tag: 'refused', reason: 'A spoke aside is never promoted', hint: 'Leave the priority out.' };
  }
  return { tag: 'node', cluster: 'aside', candidatePriority: 0 };
}

async function listPairs({ formation, monitor, print }) {
  const rows = await monitor.query(
    `SELECT groupid AS "group", nodename AS name, nodehost AS host, nodeport AS port
       FROM pgautofailover.node WHERE formationid = $1 AND groupid > 0 ORDER BY groupid, nodeid`,
    [formation],
  );
  for (const { group, name, host, port } of rows) print(`spoke ${group}: ${name} (${host}:${port})`);
  return rows;
}

export default {
  tag: 'pgaf-plugin',
  kind: 'paired',
  packageName: 'pgaf-test-paired',
  version: '1.0.0',
  contract: '1.2',
  ranges: { schema: [1, 99], postgres: [13, 18] },
  roles: [
    {
      name: 'hub',
      command: 'hub',
      summary: 'Create the hub of a paired formation',
      groups: { from: 0, to: 0 },
      defaultDbname: 'postgres',
    },
    {
      name: 'spoke',
      command: 'spoke',
      summary: 'Create a spoke of a paired formation',
      groups: { from: 1, to: null },
      defaultDbname: 'postgres',
      flags: [
        {
          name: 'zone',
          summary: 'Where the spoke stands',
          type: 'text',
          default: 'here',
          env: 'PAIRED_ZONE',
          setting: 'zone',
        },
      ],
      choose,
    },
  ],
  assignGroup({ role, wantedGroup, groups }) {
    if (role === 'hub') return { tag: 'group', group: 0 };
    if (wantedGroup === 0) {
      return { tag: 'refused', reason: 'Group 0 is the hub', hint: 'Leave --group out, or give 1 or more.' };
    }
    const free = Math.max(0, ...groups.map(({ group }) => group)) + 1;
    return { tag: 'group', group: wantedGroup ?? free };
  },
  validateNode({ role, candidatePriority }) {
    if (role !== 'hub' || candidatePriority > 0) return null;
    return { tag: 'refused', reason: 'A hub must be able to be elected', hint: 'Give a priority above 0.' };
  },
  validateRemoval,
  nodeName: ({ role, group, position }) =>
    role === 'hub' ? `hub_${position + 1}` : `spoke${group}_${position + 1}`,
  guards: { 'paired.isSpoke': ({ group }) => group.group > 0 },
  rulePatches: [
    {
      insertBefore: 'standby.copy',
      rules: [
        {
          id: 'paired.copySpoke',
          about: 'follower',
          subject: { converged: ['wait_standby'] },
          leader: { converged: ['wait_primary'] },
          guards: ['paired.isSpoke'],
          assign: { subject: 'catchingup' },
          because: 'the spoke takes its standby in',
        },
      ],
    },
  ],
  edgePatches: [
    {
      from: 'init',
      to: 'single',
      roles: ['hub'],
      place: 'after',
      of: 'startPostgres',
      steps: [{ do: 'plugin', kind: 'paired', step: 'noteStart' }],
    },
    {
      from: 'init',
      to: 'single',
      roles: ['hub'],
      place: 'after',
      steps: [{ do: 'plugin', kind: 'paired', step: 'createRegistry' }],
    },
  ],
  requirements: [
    {
      role: 'hub',
      settings: { 'paired.hub': 'on' },
      settingsFor: ({ host, port, settings }) => ({ 'paired.place': `${host}:${port} ${settings.zone}` }),
      extensions: [{ name: 'plpgsql', atLeast: '1.0' }],
      hba: [{ user: 'all', from: 'formation' }],
    },
  ],
  uris: ({ groups }, sslmode) =>
    groups
      .filter(({ group }) => group > 0)
      .map(({ group, nodes }) => ({
        type: 'spoke',
        name: `spoke${group}`,
        uri: `postgres://${nodes.map(({ host, port }) => `${host}:${port}`).join(',')}/postgres?sslmode=${sslmode}`,
      })),
  uriGroup: 0,
  configuration: {
    name: 'paired',
    options: [{ key: 'zone', default: 'here', summary: 'Where the spoke stands' }],
  },
  commands: [
    {
      name: 'show pairs',
      summary: 'Print where the spokes are',
      run: async () => listPairs,
    },
  ],
  keeper: async () => ({ steps: { createRegistry, noteStart }, reconcile, whileLeader: noteLease }),
};
