import { whyNoFormationName } from '@pgaf/core/names';
import { PgafError } from '@pgaf/core/errors';
import { isPartitionPolicy, PARTITION_POLICIES } from '@pgaf/core/partition-policy';
import type { Client } from 'pg';
import type { CommandContext, CommandHandler } from './command-handlers.js';
import type { Command } from './command-queue.js';
import { groupsOf } from './group-store.js';
import { loadFormation } from './registered-nodes.js';
import { requireTerm } from './term.js';
import { refuseUnknownFormation } from './unknown-formation.js';

export const createFormation: CommandHandler = async ({ client, term, kinds }, command) => {
  const { formation } = command;
  const { kind, dbname, secondary, numberSyncStandbys } = command.arguments;
  const why = whyNoFormationName(formation);
  if (why !== null) {
    return {
      tag: 'refused',
      sqlstate: '22023',
      message: `the name "${formation}" ${why}`,
      hint: 'Choose another name.',
    };
  }
  if (await loadFormation(client, formation)) {
    return {
      tag: 'refused',
      sqlstate: '23505',
      message: `formation "${formation}" exists already`,
      hint: 'Choose another name.',
    };
  }
  if (typeof numberSyncStandbys !== 'number' || numberSyncStandbys < 0) {
    return {
      tag: 'refused',
      sqlstate: '22023',
      message: 'number_sync_standbys must be 0 or more',
      hint: 'Give a whole number from 0.',
    };
  }
  const plugin = known(() => kinds.plugin(String(kind)));
  if (plugin instanceof PgafError) {
    return {
      tag: 'refused',
      sqlstate: '22023',
      message: plugin.message,
      ...(plugin.hint !== undefined && { hint: plugin.hint }),
    };
  }
  return {
    tag: 'accepted',
    answer: { result: true },
    touched: [],
    write: async () => {
      await requireTerm(client, term);
      await client.query(
        `INSERT INTO pgautofailover.formation
           (formationid, kind, dbname, opt_secondary, number_sync_standbys, urigroup)
         VALUES ($1, $2, $3, $4, $5, $6)`,
        [formation, plugin.kind, dbname, secondary, numberSyncStandbys, plugin.uriGroup ?? 0],
      );
    },
  };
};

export const dropFormation: CommandHandler = async ({ client, term }, command) => {
  const formation = await loadFormation(client, command.formation);
  if (!formation) {
    return refuseUnknownFormation('XX000', command.formation);
  }
  if (formation.nodes > 0) {
    return {
      tag: 'refused',
      sqlstate: '23503',
      message: `formation "${formation.formationid}" has nodes`,
      detail: `It has ${formation.nodes} node(s).`,
      hint: 'Drop its nodes first: pgaf drop node --formation … --name …',
    };
  }
  return {
    tag: 'accepted',
    answer: { result: true },
    touched: [],
    write: async () => {
      await requireTerm(client, term);
      await client.query('DELETE FROM pgautofailover.formation WHERE formationid = $1', [
        formation.formationid,
      ]);
    },
  };
};

export const enableSecondary: CommandHandler = (context, command) =>
  setSecondary(context, command, 'enabled');

/** @see update_secondary_check of the reference: only nodes that are alone stay without standbys. */
export const disableSecondary: CommandHandler = (context, command) =>
  setSecondary(context, command, 'disabled');

async function setSecondary(
  { client, term }: CommandContext,
  { formation }: Command,
  wanted: 'enabled' | 'disabled',
): ReturnType<CommandHandler> {
  if (!(await loadFormation(client, formation))) {
    return refuseUnknownFormation('42704', formation);
  }
  const others = wanted === 'enabled' ? [] : await nodesNotAlone(client, formation);
  if (others.length > 0) {
    return {
      tag: 'refused',
      sqlstate: '55000',
      message: `formation "${formation}" has standbys, or nodes that are about to be`,
      detail: others.join(' '),
      hint: 'Drop its standbys first: pgaf drop node --formation … --name …',
    };
  }
  return {
    tag: 'accepted',
    answer: { result: true },
    touched: [],
    write: async () => {
      await requireTerm(client, term);
      await client.query('UPDATE pgautofailover.formation SET opt_secondary = $2 WHERE formationid = $1', [
        formation,
        wanted === 'enabled',
      ]);
    },
  };
}

/** Also where nothing is stable: it is then that somebody changes their mind. */
export const setPartitionPolicy: CommandHandler = async ({ client, term }, command) => {
  const { formation } = command;
  const { policy } = command.arguments;
  if (!(await loadFormation(client, formation))) return refuseUnknownFormation('22023', formation);
  if (!isPartitionPolicy(policy)) {
    return {
      tag: 'refused',
      sqlstate: '22023',
      message: `the partition policy cannot be ${JSON.stringify(policy)}`,
      hint: `Give one of: ${PARTITION_POLICIES.join(', ')}.`,
    };
  }
  return {
    tag: 'accepted',
    answer: { result: true },
    touched: await groupsOf(client, formation),
    write: async () => {
      await requireTerm(client, term);
      await client.query('UPDATE pgautofailover.formation SET partition_policy = $2 WHERE formationid = $1', [
        formation,
        policy,
      ]);
    },
  };
};

/** One sentence for each. */
async function nodesNotAlone(client: Client, formation: string): Promise<string[]> {
  const { rows } = await client.query<{ sentence: string }>(
    `SELECT format('%s reports %s.', pgautofailover_private.designation(n), n.reportedstate) AS sentence
     FROM pgautofailover.node n
     WHERE n.formationid = $1 AND n.reportedstate <> 'single' AND n.goalstate <> 'dropped' ORDER BY n.nodeid`,
    [formation],
  );
  return rows.map(({ sentence }) => sentence);
}

function known<T>(find: () => T): T | PgafError {
  try {
    return find();
  } catch (error) {
    if (error instanceof PgafError) return error;
    throw error;
  }
}
