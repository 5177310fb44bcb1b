import { EXIT, UserError } from '@pgaf/core/errors';
import { readStateFile } from '@pgaf/keeper/state-file';
import type { CommandSession } from './command-session.js';
import type { CommandContext } from './command-spec.js';
import { requireFormation } from './known-formation.js';
import { readNode } from './node-files.js';
import { withMonitor, type MonitorFlags, type MonitorPlace } from './reach-monitor.js';

export interface NodeFlags extends MonitorFlags {
  readonly name?: string | undefined;
  readonly json: boolean;
}

/** A node as its row at the monitor has it. */
export interface ChosenNode {
  readonly id: number;
  readonly formation: string;
  readonly group: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly candidatePriority: number;
  readonly quorum: boolean;
  readonly region: string;
}

/**
 * Opens the monitor for work on one node: the one that --name names, else the one of the data directory.
 * @throws UserError `which-node`, `unknown-node`, `unknown-formation`.
 */
export async function withNode<T>(
  flags: NodeFlags,
  context: CommandContext,
  work: (session: CommandSession, node: ChosenNode, place: MonitorPlace) => Promise<T>,
): Promise<T> {
  const local = flags.name === undefined ? await localNodeId(flags, context) : null;
  return withMonitor(flags, context, async (session, place) => {
    const { formation } = place;
    await requireFormation(session, formation);
    const [node] = await session.query<ChosenNode>(
      `SELECT nodeid::float8 AS id, formationid AS formation, groupid AS "group", nodename AS name, nodehost AS host,
              nodeport AS port, candidatepriority AS "candidatePriority", replicationquorum AS quorum, region
         FROM pgautofailover.node
        WHERE formationid = $1 AND CASE WHEN $2::text IS NULL THEN nodeid = $3 ELSE nodename = $2 END`,
      [formation, flags.name ?? null, local],
    );
    if (node) return work(session, node, place);
    throw unknownNode(formation, flags.name === undefined ? `${local}` : `named "${flags.name}"`);
  });
}

/** @throws UserError `which-node` when the data directory is not that of a node. */
export async function localNodeId(flags: MonitorFlags, context: CommandContext): Promise<number> {
  const somewhere = flags.pgdata ?? context.env['PGDATA'];
  if (flags.monitor !== undefined || somewhere === undefined || somewhere === '') throw whichNode();
  const node = await readNode(flags.pgdata, context);
  const state = node.role === 'keeper' ? readStateFile(node.paths.state) : null;
  if (state === null) throw whichNode();
  return state.nodeId;
}

function whichNode(): UserError {
  return new UserError('It is not said which node.', {
    code: 'which-node',
    exit: EXIT.badArguments,
    hint: 'Give --name; or --pgdata, on the node itself.',
  });
}

export function unknownNode(formation: string, which: string): UserError {
  return new UserError(`The formation "${formation}" has no node ${which}.`, {
    code: 'unknown-node',
    exit: EXIT.badArguments,
    hint: '`pgaf show state` lists the nodes.',
  });
}
