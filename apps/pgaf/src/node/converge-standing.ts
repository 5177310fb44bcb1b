import type { CommandContext } from '../command-spec.js';
import { withNode, type ChosenNode } from '../chosen-node.js';
import { requireRegion } from '../create/check-names.js';
import type { SpecifiedNode } from './specified-node.js';

interface Order {
  readonly setting: string;
  readonly call: string;
  readonly before: (node: ChosenNode) => string;
}

/** By the option of `create` that says the same of a new node. */
const ORDERS: Readonly<Record<string, Order>> = {
  'candidate-priority': {
    setting: 'candidate priority',
    call: 'set_node_candidate_priority($1, $2, $3::int)',
    before: (node) => String(node.candidatePriority),
  },
  'replication-quorum': {
    setting: 'replication quorum',
    call: 'set_node_replication_quorum($1, $2, $3::bool)',
    before: (node) => String(node.quorum),
  },
  region: {
    setting: 'region',
    call: 'set_node_region($1, $2, $3)',
    before: (node) => node.region,
  },
};

/**
 * Has the monitor give the node what its file says it is to the others; what the file leaves out stays.
 * @throws PgafError for an order that is refused, or a monitor that is away.
 */
export async function convergeStanding({ file }: SpecifiedNode, context: CommandContext): Promise<void> {
  const wanted = Object.entries(ORDERS).flatMap(([flag, order]) => {
    const option = file.options.get(flag);
    if (option === undefined) return [];
    const text = String(option.value);
    if (flag === 'region') requireRegion('--region', text);
    const value = flag === 'replication-quorum' ? String(file.config.settings.replicationQuorum) : text;
    return [{ order, value, line: option.line }];
  });
  if (wanted.length === 0) return;
  await withNode({ pgdata: file.pgdata, json: false }, context, async (session, node) => {
    for (const { order, value, line } of wanted) {
      const before = order.before(node);
      if (before === value) continue;
      await session.query(`SELECT pgautofailover.${order.call}`, [node.formation, node.name, value]);
      context.log.info(`The ${order.setting} is ${value} now (was ${before}), as ${file.path}:${line} says`);
    }
  });
}
