import { formatLsn, parseLsn } from '@pgaf/core/lsn';
import { PgafError } from '@pgaf/core/errors';
import type { CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import type { Asked } from './hand-over.js';

interface Order {
  readonly formation: string;
  readonly group: number;
  readonly force: boolean;
}

export interface Position {
  readonly name: string;
  readonly leads: boolean;
  readonly lsn: string;
  readonly tli: number;
  /** Seconds since its last report. */
  readonly age: number;
}

const CANNOT_FAIL_OVER = 'XX000';

export async function failOver(session: CommandSession, { formation, group, force }: Order): Promise<void> {
  await session.query('SELECT pgautofailover.perform_failover($1, $2, $3)', [formation, group, force]);
}

/** Without a loss where that is possible; else it says what may be lost, and gives that up. */
export async function failOverAtAnyPrice(
  session: CommandSession,
  where: Order,
  { log }: CommandContext,
): Promise<Asked> {
  try {
    await failOver(session, where);
    return 'under way';
  } catch (error) {
    if (!(error instanceof PgafError) || error.code !== CANNOT_FAIL_OVER) throw error;
    log.warn(error.message);
  }
  for (const sentence of whatMayBeLost(await positions(session, where))) log.warn(sentence);
  await session.query("SET pgautofailover.guard_data_loss TO 'off'");
  await failOver(session, where);
  return 'old one given up';
}

async function positions(session: CommandSession, { formation, group }: Order): Promise<Position[]> {
  return session.query<Position>(
    `SELECT nodename AS name, nodeid IS NOT DISTINCT FROM leader AS leads, reportedlsn::text AS lsn, reportedtli AS tli,
            extract(epoch FROM clock_timestamp() - reporttime)::float8 AS age
       FROM pgautofailover.node JOIN pgautofailover.group_state USING (formationid, groupid)
      WHERE formationid = $1 AND groupid = $2 AND (goalstate <> 'dropped' OR nodeid = leader) ORDER BY nodeid`,
    [formation, group],
  );
}

/** Who led was removed already where nobody does; then it is about nodes that are away. */
export function whatMayBeLost(nodes: readonly Position[]): string[] {
  const leader = nodes.find(({ leads }) => leads);
  const has = ({ name, lsn, tli }: Position): string =>
    `"${name}" has ${formatLsn(parseLsn(lsn))} on timeline ${tli}`;
  if (!leader) {
    const said = nodes.map((node) => `${has(node)}, as it said ${Math.round(node.age)} s ago`);
    return [
      `The group has no primary: ${said.join('; ')}`,
      'What the node that takes over does not have is lost: acknowledged commits may be among it',
    ];
  }
  const behind = nodes
    .filter(({ leads }) => !leads)
    .map((node) => {
      const missing = parseLsn(leader.lsn) - parseLsn(node.lsn);
      return `${has(node)}, ${missing > 0n ? `${missing} bytes less` : 'no less'}`;
    });
  return [
    `The primary ${has(leader)}, as it said ${Math.round(leader.age)} s ago; ${behind.join('; ')}`,
    'What the standby that takes over does not have is lost, and so is everything that the primary took since: acknowledged commits may be among it',
    'If the primary still runs, stop it before its clients write there',
  ];
}
