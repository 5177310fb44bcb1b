import { EXIT, UserError } from '@pgaf/core/errors';
import type { CommandSession } from './command-session.js';

/** @throws UserError `unknown-formation`, exit 1. */
export async function requireFormation(session: CommandSession, name: string): Promise<void> {
  const rows = await session.query('SELECT FROM pgautofailover.formation WHERE formationid = $1', [name]);
  if (rows.length === 0) throw unknownFormation(name);
}

const GROUPS = {
  nodes: 'SELECT DISTINCT groupid FROM pgautofailover.node WHERE formationid = $1 ORDER BY groupid',
  // Those whose nodes are all gone have events still.
  events: `SELECT groupid FROM pgautofailover.node WHERE formationid = $1
            UNION SELECT groupid FROM pgautofailover.event WHERE formationid = $1 ORDER BY groupid`,
} as const;

/**
 * @param having What a group must have to be one.
 * @throws UserError `unknown-formation` or, when a group is given, `unknown-group`; exit 1.
 */
export async function requireGroup(
  session: CommandSession,
  formation: string,
  group: number | undefined,
  having: keyof typeof GROUPS,
): Promise<void> {
  await requireFormation(session, formation);
  if (group === undefined) return;
  const rows = await session.query<{ groupid: number }>(GROUPS[having], [formation]);
  const groups = rows.map(({ groupid }) => groupid);
  if (!groups.includes(group)) throw unknownGroup(formation, group, groups);
}

function unknownGroup(formation: string, group: number, groups: readonly number[]): UserError {
  const known = groups.length === 1 ? `group ${groups[0]} only` : `the groups ${groups.join(', ')}`;
  return new UserError(`There is no group ${group} in the formation "${formation}".`, {
    code: 'unknown-group',
    exit: EXIT.badArguments,
    hint: groups.length === 0 ? 'It has no groups: create a node first.' : `It has ${known}.`,
  });
}

export function unknownFormation(name: string): UserError {
  return new UserError(`There is no formation "${name}".`, {
    code: 'unknown-formation',
    exit: EXIT.badArguments,
    hint: 'See `pgaf show uri` for all formations; `pgaf create formation` makes one.',
  });
}
