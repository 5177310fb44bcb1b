import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import { withNode, type ChosenNode, type NodeFlags } from '../chosen-node.js';
import { openMonitor, type CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import type { StateNews } from '../output/notification-table.js';
import { followNews, membersOf, newsOf, type Meaning, type WaitFlags } from '../perform/group-news.js';

export type MaintenanceFlags = NodeFlags & WaitFlags;

export interface EnableFlags extends MaintenanceFlags {
  readonly 'allow-failover': boolean;
}

interface Wanted {
  readonly call: 'start_maintenance' | 'stop_maintenance';
  /** The states, reported and assigned, in which the node is where it is wanted. */
  readonly states: ReadonlySet<string>;
  readonly reached: string;
}

const IN: Wanted = {
  call: 'start_maintenance',
  states: new Set(['maintenance']),
  reached: 'is in maintenance',
};
const OUT: Wanted = {
  call: 'stop_maintenance',
  states: new Set(['secondary', 'single', 'wait_primary', 'primary']),
  reached: 'is back',
};
const WRITABLE: ReadonlySet<string> = new Set(['wait_primary', 'primary', 'single']);

/** Takes a node out of service, and returns when its Postgres may be stopped by hand. */
export async function enableMaintenance(flags: EnableFlags, context: CommandContext): Promise<void> {
  await withNode(flags, context, async (asker, node, place) => {
    const leads = await isLeader(asker, node);
    if (leads && !flags['allow-failover']) throw isPrimary(node);
    await change(IN, asker, place, node, flags, context);
  });
}

/** Gives it back: it is rewound where it must be, and follows. */
export async function disableMaintenance(flags: MaintenanceFlags, context: CommandContext): Promise<void> {
  await withNode(flags, context, async (asker, node, place) => {
    await change(OUT, asker, place, node, flags, context);
  });
}

async function change(
  wanted: Wanted,
  asker: CommandSession,
  place: { readonly conninfo: string },
  node: ChosenNode,
  flags: WaitFlags,
  context: CommandContext,
): Promise<void> {
  const { log } = context;
  const members = (await membersOf(asker, node.formation)).filter(({ group }) => group === node.group);
  const listener = await openMonitor(place);
  try {
    const news = await newsOf(listener, node.formation, node.group);
    await asker.query(`SELECT pgautofailover.${wanted.call}($1)`, [node.id]);
    if (flags.wait === 0)
      return log.info(`Ordered; \`pgaf show state\` shows when "${node.name}" ${wanted.reached}`);
    if (await isThere(asker, node, wanted)) return log.info(`Node "${node.name}" ${wanted.reached}`);
    log.info(`Waiting ${flags.wait} secs until node "${node.name}" ${wanted.reached}`);
    const ended = await followNews(news, members, flags, context, meaningFor(node, wanted));
    if (ended?.end === 'given-up') throw givenUp(node);
    if (ended === null && !(await isThere(asker, node, wanted))) throw notYet(node, wanted, flags);
  } finally {
    await listener.close();
  }
}

/** Tells from the news of a group when the node is where it is wanted, or was ordered back to take writes. */
function meaningFor({ id }: ChosenNode, wanted: Wanted): (news: StateNews) => Meaning {
  let hasBegun = false;
  return ({ nodeId, reportedState, goalState }) => {
    if (nodeId !== id) return 'under-way';
    if (reportedState === goalState && wanted.states.has(goalState)) return 'done';
    if (goalState === 'prepare_maintenance') hasBegun = true;
    return hasBegun && WRITABLE.has(goalState) ? 'given-up' : 'under-way';
  };
}

async function isThere(session: CommandSession, { id }: ChosenNode, { states }: Wanted): Promise<boolean> {
  const [row] = await session.query<{ state: string }>(
    'SELECT goalstate::text AS state FROM pgautofailover.node WHERE nodeid = $1 AND reportedstate = goalstate',
    [id],
  );
  return row !== undefined && states.has(row.state);
}

async function isLeader(session: CommandSession, { id }: ChosenNode): Promise<boolean> {
  const rows = await session.query('SELECT FROM pgautofailover.group_state WHERE leader = $1', [id]);
  return rows.length > 0;
}

function isPrimary({ name }: ChosenNode): UserError {
  return new UserError(`"${name}" is the primary.`, {
    code: 'is-primary',
    exit: EXIT.badArguments,
    hint: 'With --allow-failover a standby takes over from it first.',
  });
}

function givenUp({ name }: ChosenNode): PgafError {
  return new PgafError(`The maintenance was given up, "${name}" stays primary.`, {
    code: 'maintenance-given-up',
    exit: EXIT.monitor,
    hint: '`pgaf show events` says why.',
  });
}

function notYet({ name }: ChosenNode, { reached }: Wanted, { wait }: WaitFlags): PgafError {
  return new PgafError(`It is not so within ${wait} s that "${name}" ${reached}.`, {
    code: 'maintenance-not-yet',
    exit: EXIT.monitor,
    hint: 'It goes on without this command; `pgaf show state` says what is waited for.',
  });
}
