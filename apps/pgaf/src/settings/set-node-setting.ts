import type { CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { requireRegion } from '../create/check-names.js';
import { booleanOf, integerOf } from '../create/flag-values.js';
import { jsonText } from '../output/json-text.js';
import { awaitSettingsInForce } from './await-in-force.js';
import { withNode, type ChosenNode, type NodeFlags } from '../chosen-node.js';

const HIGHEST_PRIORITY = 100;

export async function setCandidatePriority(
  flags: NodeFlags & { readonly priority: string },
  context: CommandContext,
): Promise<void> {
  const given = { text: flags.priority, where: 'candidate-priority' };
  const priority = integerOf(given, 0, HIGHEST_PRIORITY);
  await withNode(flags, context, async (session, node) => {
    await order(session, 'set_node_candidate_priority', node, priority);
    await awaitSettingsInForce(session, node, context);
    context.print(flags.json ? jsonText({ 'candidate-priority': priority }) : `${priority}\n`);
  });
}

export async function setReplicationQuorum(
  flags: NodeFlags & { readonly quorum: string },
  context: CommandContext,
): Promise<void> {
  const quorum = booleanOf({ text: flags.quorum, where: 'replication-quorum' });
  await withNode(flags, context, async (session, node) => {
    await order(session, 'set_node_replication_quorum', node, quorum);
    await awaitSettingsInForce(session, node, context);
    context.print(flags.json ? jsonText({ 'replication-quorum': quorum }) : `${quorum}\n`);
  });
}

export async function setRegion(
  flags: NodeFlags & { readonly region: string },
  context: CommandContext,
): Promise<void> {
  const { region } = flags;
  requireRegion('region', region);
  await withNode(flags, context, async (session, node) => {
    await order(session, 'set_node_region', node, region);
    context.print(flags.json ? jsonText({ region }) : `${region}\n`);
  });
}

async function order(
  session: CommandSession,
  call: string,
  node: ChosenNode,
  value: number | boolean | string,
): Promise<void> {
  await session.query(`SELECT pgautofailover.${call}($1, $2, $3)`, [node.formation, node.name, value]);
}
