import type { Json } from '@pgaf/core/json';
import type { Refusal } from '@pgaf/fsm/command-decision';
import type { PluginHost } from '@pgaf/plugin-host/plugin-host';
import type { Timings } from '@pgaf/plugin-api/snapshot';
import type { Client } from 'pg';
import type { Command } from './command-queue.js';
import type { Decision } from './decision-store.js';
import {
  createFormation,
  disableSecondary,
  dropFormation,
  enableSecondary,
  setPartitionPolicy,
} from './formation-commands.js';
import type { Contacts } from './contacts.js';
import { inFormation, inGroup } from './group-commands.js';
import type { GroupKey } from './group-store.js';
import { removeNode } from './remove-node.js';
import { setNodeRegion, updateNodeMetadata } from './node-metadata.js';
import { pauseNodes, resumeNodes } from './pause-nodes.js';
import { registerNode } from './register-node.js';

/** The formation kinds that this service can decide for. */
export type Kinds = Pick<PluginHost, 'plugin' | 'roleOwner' | 'ruleBook'>;

export interface CommandContext {
  readonly client: Client;
  readonly term: number;
  readonly timings: Timings;
  readonly contacts: Contacts;
  readonly kinds: Kinds;
}

/** A command that is to be carried out: what to write, in one transaction with the answer. */
export interface Acceptance {
  readonly tag: 'accepted';
  readonly answer: Json;
  readonly write: () => Promise<void>;
  /** The groups to look at afterwards. */
  readonly touched: readonly GroupKey[];
  /** What it decides in groups, for the log; absent when nodes keep their goals. */
  readonly decisions?: readonly Decision[];
}

export type CommandHandler = (context: CommandContext, command: Command) => Promise<Acceptance | Refusal>;

/** By the `kind` of the row. A new command of one group is a line here and a case in libs/fsm. */
export const COMMAND_HANDLERS: Readonly<Record<string, CommandHandler>> = {
  register_node: registerNode,
  create_formation: createFormation,
  drop_formation: dropFormation,
  enable_secondary: enableSecondary,
  disable_secondary: disableSecondary,
  update_node_metadata: updateNodeMetadata,
  set_node_region: setNodeRegion,
  pause_nodes: pauseNodes,
  resume_nodes: resumeNodes,
  perform_failover: inGroup(({ arguments: { allowDataLoss, force } }) =>
    allowDataLoss === true
      ? { kind: 'perform_lossy_failover' }
      : { kind: 'perform_failover', forced: force === true },
  ),
  perform_promotion: inGroup(({ arguments: { name, force } }) => ({
    kind: 'perform_promotion',
    name: String(name),
    forced: force === true,
  })),
  remove_node: removeNode,
  accept_timeline: inGroup(({ arguments: { tli, by } }) => ({
    kind: 'accept_timeline',
    tli: numberOf(tli),
    by: typeof by === 'string' ? by : null,
  })),
  start_maintenance: inGroup(({ arguments: { nodeId } }) => ({
    kind: 'start_maintenance',
    node: Number(nodeId),
  })),
  stop_maintenance: inGroup(({ arguments: { nodeId } }) => ({
    kind: 'stop_maintenance',
    node: Number(nodeId),
  })),
  set_node_candidate_priority: inGroup(({ arguments: { name, priority } }) => ({
    kind: 'set_candidate_priority',
    name: String(name),
    priority: numberOf(priority),
  })),
  set_node_replication_quorum: inGroup(({ arguments: { name, quorum } }) => ({
    kind: 'set_replication_quorum',
    name: String(name),
    quorum: quorum === true,
  })),
  set_formation_partition_policy: setPartitionPolicy,
  set_formation_number_sync_standbys: inFormation(({ arguments: { number } }) => ({
    kind: 'set_number_sync_standbys',
    number: numberOf(number),
  })),
};

/** NULL is no number, and is refused as such. */
function numberOf(argument: Json | undefined): number {
  return typeof argument === 'number' ? argument : Number.NaN;
}
