import type { CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { integerOf } from '../create/flag-values.js';
import { requireFormation } from '../known-formation.js';
import { jsonText } from '../output/json-text.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';
import { awaitSettingsInForce } from './await-in-force.js';

export interface NumberFlags extends MonitorFlags {
  readonly json: boolean;
}

/** What an int of Postgres holds. */
const LARGEST = 2_147_483_647;

export async function getNumberSyncStandbys(flags: NumberFlags, context: CommandContext): Promise<void> {
  await withMonitor(flags, context, async (session, { formation }) => {
    await requireFormation(session, formation);
    const [row] = await session.query<{ number: number }>(
      'SELECT number_sync_standbys AS number FROM pgautofailover.formation WHERE formationid = $1',
      [formation],
    );
    const number = row?.number ?? 0;
    context.print(flags.json ? jsonText({ 'number-sync-standbys': number }) : `${number}\n`);
  });
}

export async function setNumberSyncStandbys(
  flags: NumberFlags & { readonly number: string },
  context: CommandContext,
): Promise<void> {
  const number = integerOf({ text: flags.number, where: 'number-sync-standbys' }, 0, LARGEST);
  await withMonitor(flags, context, async (session, { formation }) => {
    await requireFormation(session, formation);
    await session.query('SELECT pgautofailover.set_formation_number_sync_standbys($1, $2)', [
      formation,
      number,
    ]);
    await awaitSettingsInForce(session, { formation, group: null }, context);
    if (!flags.json) return context.print(`${number}\n`);
    const names = await standbyNames(session, formation);
    context.print(
      jsonText({
        'number-sync-standbys': number,
        ...(names === null ? {} : { synchronous_standby_names: names }),
      }),
    );
  });
}

/** Of the formation's first group; null when it has no node. */
async function standbyNames(session: CommandSession, formation: string): Promise<string | null> {
  const [row] = await session.query<{ names: string }>(
    `SELECT pgautofailover.synchronous_standby_names($1, groupid) AS names
       FROM pgautofailover.node WHERE formationid = $1 ORDER BY groupid LIMIT 1`,
    [formation],
  );
  return row?.names ?? null;
}
