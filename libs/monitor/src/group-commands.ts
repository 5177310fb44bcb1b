import type { Json } from '@pgaf/core/json';
import type { Accepted, Refusal } from '@pgaf/fsm/command-decision';
import { decideCommand, type OperatorCommand } from '@pgaf/fsm/operator';
import { whatFailoverWaitsFor } from '@pgaf/fsm/waiting';
import type { Acceptance, CommandContext, CommandHandler } from './command-handlers.js';
import type { Command } from './command-queue.js';
import { writeDecision, type Decision } from './decision-store.js';
import { groupsOf, loadGroups, type GroupKey } from './group-store.js';
import { loadFormation } from './registered-nodes.js';
import { refuseUnknownFormation } from './unknown-formation.js';

/** A command that is decided in the group that its row names. */
export function inGroup(ask: (command: Command) => OperatorCommand): CommandHandler {
  return async (context, command) => {
    const key = { formation: command.formation, group: command.group ?? 0 };
    return decideInGroups(context, [key], ask(command));
  };
}

/** A command about a formation: each group that has nodes must accept it. */
export function inFormation(ask: (command: Command) => OperatorCommand): CommandHandler {
  return async (context, command) => {
    const { formation } = command;
    if (!(await loadFormation(context.client, formation))) {
      return refuseUnknownFormation('22023', formation);
    }
    const keys = await groupsOf(context.client, formation);
    if (keys.length > 0) return decideInGroups(context, keys, ask(command));
    return {
      tag: 'refused',
      sqlstate: 'XX000',
      message: `formation "${formation}" has no nodes`,
      hint: 'Create one first.',
    };
  };
}

async function decideInGroups(
  { client, term, timings, contacts, kinds }: CommandContext,
  keys: readonly GroupKey[],
  asked: OperatorCommand,
): Promise<Acceptance | Refusal> {
  const stored = contacts.date(await loadGroups(client, timings, keys));
  const decisions: Decision[] = [];
  let answer: Json = null;
  for (const before of stored) {
    const decision = decideCommand(before.snapshot, asked, kinds.ruleBook(before.snapshot.formation.kind));
    if (decision.tag === 'refused') return decision;
    const { settled } = decision;
    decisions.push({ before, settled, waiting: whatFailoverWaitsFor(settled.group) });
    answer = answerOf(decision);
  }
  if (decisions.length === 0) return noSuchGroup(keys[0] ?? { formation: '', group: 0 });
  return {
    tag: 'accepted',
    answer,
    write: async () => {
      for (const decision of decisions) await writeDecision(client, term, decision);
    },
    touched: keys,
    decisions,
  };
}

/** As `result_of` in the schema reads it. */
function answerOf({ answer, notice }: Accepted): Json {
  return { result: answer, ...(notice !== undefined && { notice }) };
}

function noSuchGroup({ formation, group }: GroupKey): Refusal {
  return {
    tag: 'refused',
    sqlstate: '42704',
    message: `formation "${formation}" has no group ${group}`,
    hint: 'See `pgaf show state` for the formations and groups there are.',
  };
}
