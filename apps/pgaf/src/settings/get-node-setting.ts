import { hostAndPort } from '@pgaf/core/host-and-port';
import type { Json } from '@pgaf/core/json';
import type { CommandContext } from '../command-spec.js';
import { jsonText } from '../output/json-text.js';
import { withNode, type ChosenNode, type NodeFlags } from '../chosen-node.js';

type Get = (flags: NodeFlags, context: CommandContext) => Promise<void>;

export const getCandidatePriority: Get = printing('candidate-priority', (node) => node.candidatePriority);

export const getReplicationQuorum: Get = printing('replication-quorum', (node) => node.quorum);

export const getRegion: Get = printing('region', (node) => node.region);

/** Its name, and where others reach it. */
export const getMetadata: Get = async (flags, context) =>
  withNode(flags, context, async (_session, { id, name, host, port }) => {
    if (flags.json) context.print(jsonText({ node_id: id, name, hostname: host, pgport: port }));
    else context.print(`${name} ${hostAndPort(host, port)}\n`);
  });

/** The value alone, or as JSON with the node's name. */
function printing(setting: string, valueOf: (node: ChosenNode) => Json): Get {
  return async (flags, context) =>
    withNode(flags, context, async (_session, node) => {
      const value = valueOf(node);
      context.print(flags.json ? jsonText({ name: node.name, [setting]: value }) : `${String(value)}\n`);
    });
}
