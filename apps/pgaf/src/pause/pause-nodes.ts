import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import { readStateFile } from '@pgaf/keeper/state-file';
import type { CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { requireGroup } from '../known-formation.js';
import { readNode } from '../node-files.js';
import { jsonText } from '../output/json-text.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';
import { until } from '../wait-until.js';

export interface PauseFlags extends MonitorFlags {
  readonly group?: number | undefined;
  readonly name?: string | undefined;
  readonly json: boolean;
}

export interface WaitingPauseFlags extends PauseFlags {
  /** Seconds; 0 does not wait. */
  readonly wait: number;
}

/** A node that the command is about, and whether it was otherwise before. */
interface Touched {
  readonly node_id: number;
  readonly name: string;
  readonly changed: boolean;
}

type Wanted = 'paused' | 'resumed';

/** A node that has not reported for so long has no keeper that could hear. */
const SILENT = '5 s';

/** Pauses nodes; returns when their keepers know, so that Postgres may be stopped by hand. */
export async function pauseNodes(flags: WaitingPauseFlags, context: CommandContext): Promise<void> {
  await change('paused', flags, context, (session, nodes) => awaitKeepers(session, nodes, flags, context));
}

export async function resumeNodes(flags: PauseFlags, context: CommandContext): Promise<void> {
  await change('resumed', flags, context, async () => undefined);
}

async function change(
  wanted: Wanted,
  flags: PauseFlags,
  context: CommandContext,
  after: (session: CommandSession, nodes: readonly Touched[]) => Promise<void>,
): Promise<void> {
  const local = isLocal(flags) ? await localNode(flags, context) : null;
  await withMonitor({ ...flags, pgdata: local?.pgdata ?? flags.pgdata }, context, async (session, place) => {
    await requireGroup(session, place.formation, flags.group, 'nodes');
    const name = flags.name ?? (local === null ? null : await nameOf(session, local.id));
    const call = wanted === 'paused' ? 'pause_nodes' : 'resume_nodes';
    const nodes = await session.query<Touched>(
      `SELECT node_id::int AS node_id, name, changed FROM pgautofailover.${call}($1, $2, $3)`,
      [place.formation, flags.group ?? null, name],
    );
    for (const { node_id: id, name: its, changed } of nodes) {
      context.log.info(`Node ${id} "${its}" is ${wanted}${changed ? '' : ' already'}`);
    }
    await after(session, nodes);
    if (flags.json) context.print(jsonText(nodes));
  });
}

function isLocal({ formation, group, name }: PauseFlags): boolean {
  return formation === undefined && group === undefined && name === undefined;
}

/** @throws UserError `which-node` when there is no node here, either. */
async function localNode(
  flags: PauseFlags,
  context: CommandContext,
): Promise<{ readonly pgdata: string; readonly id: number }> {
  if (flags.monitor !== undefined) throw whichNode();
  if (flags.pgdata === undefined && !context.env['PGDATA']) throw whichNode();
  const node = await readNode(flags.pgdata, context);
  const state = node.role === 'keeper' ? readStateFile(node.paths.state) : null;
  if (state === null) throw whichNode();
  return { pgdata: node.paths.pgdata, id: state.nodeId };
}

async function nameOf(session: CommandSession, id: number): Promise<string> {
  const [row] = await session.query<{ name: string }>(
    'SELECT nodename AS name FROM pgautofailover.node WHERE nodeid = $1',
    [id],
  );
  if (row) return row.name;
  throw new UserError(`The monitor knows no node ${id}.`, {
    code: 'unknown-node',
    exit: EXIT.badState,
    hint: 'It was removed there. `pgaf show state` lists the nodes.',
  });
}

/**
 * Until a keeper knows, it would start a Postgres that is stopped by hand. What it said before does not count: it may
 * be of an earlier pause, whose end it has yet to hear of. It reports one at a time, so a later report is the proof.
 */
async function awaitKeepers(
  session: CommandSession,
  nodes: readonly Touched[],
  { wait }: WaitingPauseFlags,
  { log }: CommandContext,
): Promise<void> {
  if (wait === 0) return;
  const ids = nodes.map(({ node_id: id }) => id);
  const [clock] = await session.query<{ now: string }>('SELECT clock_timestamp()::text AS now');
  const unaware = (): Promise<{ name: string; silent: boolean }[]> =>
    session.query(
      `SELECT nodename AS name, reporttime < clock_timestamp() - $2::interval AS silent
         FROM pgautofailover.node
        WHERE nodeid = ANY ($1::bigint[]) AND NOT (facts ? 'paused' AND reporttime > $3::timestamptz)
        ORDER BY nodeid`,
      [ids, SILENT, clock?.now],
    );
  let left = await unaware();
  await until(async () => (left = await unaware()).every(({ silent }) => silent), wait * 1000);
  for (const { name } of left.filter(({ silent }) => silent)) {
    log.warn(`"${name}" is silent: it hears of the pause when its service reports again`);
  }
  const late = left.filter(({ silent }) => !silent).map(({ name }) => `"${name}"`);
  if (late.length === 0) return;
  throw new PgafError(`The pause is stored, but ${late.join(', ')} did not confirm it within ${wait} s.`, {
    code: 'pause-not-heard',
    exit: EXIT.internal,
    hint: 'Until its service knows, it starts a Postgres that is stopped by hand. See its log.',
  });
}

function whichNode(): UserError {
  return new UserError('It is not said which nodes.', {
    code: 'which-node',
    exit: EXIT.badArguments,
    hint: 'Give --pgdata, on the node itself; or --name, --group or --formation for one node, a group, or all.',
  });
}
