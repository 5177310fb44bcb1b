import type { WantedFormation } from '@pgaf/config/node-file';
import type { CommandContext } from '../command-spec.js';
import type { CommandSession } from '../command-session.js';
import { withMonitor } from '../reach-monitor.js';
import type { SpecifiedNode } from './specified-node.js';

interface Formation {
  readonly kind: string;
  readonly dbname: string;
  readonly secondary: boolean;
  readonly standbys: number;
}

/**
 * Makes the formations that a monitor is to have, and gives them their settings; none is ever dropped.
 * @throws PgafError for an order that is refused, or a monitor that is not up yet.
 */
export async function convergeFormations({ file }: SpecifiedNode, context: CommandContext): Promise<void> {
  if (file.formations.length === 0) return;
  await withMonitor({ pgdata: file.pgdata }, context, async (session) => {
    for (const wanted of file.formations) {
      const place = `${file.path}:${wanted.line}`;
      const [found] = await session.query<Formation>(
        `SELECT kind, dbname, opt_secondary AS secondary, number_sync_standbys AS standbys
           FROM pgautofailover.formation WHERE formationid = $1`,
        [wanted.name],
      );
      if (found === undefined) await create(session, wanted, place, context);
      else await change(session, found, wanted, place, context);
    }
  });
}

async function create(
  session: CommandSession,
  { name, kind = 'pgsql', dbname = 'postgres', secondary, numSyncStandbys }: WantedFormation,
  place: string,
  { log }: CommandContext,
): Promise<void> {
  await session.query('SELECT FROM pgautofailover.create_formation($1, $2, $3, $4, $5)', [
    name,
    kind,
    dbname,
    secondary ?? true,
    numSyncStandbys ?? 0,
  ]);
  log.info(`Created formation "${name}" of kind "${kind}", for database "${dbname}", as ${place} says`);
}

async function change(
  session: CommandSession,
  found: Formation,
  { name, kind, dbname, secondary, numSyncStandbys }: WantedFormation,
  place: string,
  { log }: CommandContext,
): Promise<void> {
  if ((kind ?? found.kind) !== found.kind || (dbname ?? found.dbname) !== found.dbname)
    log.warn(
      `${place}: the formation "${name}" stays of kind "${found.kind}", for database "${found.dbname}": they are chosen when it is created`,
    );
  if (secondary !== undefined && secondary !== found.secondary) {
    await session.query(`SELECT pgautofailover.${secondary ? 'enable' : 'disable'}_secondary($1)`, [name]);
    log.info(
      `Formation "${name}" takes ${secondary ? 'standbys' : 'no standbys any more'}, as ${place} says`,
    );
  }
  if (numSyncStandbys !== undefined && numSyncStandbys !== found.standbys) {
    await session.query('SELECT pgautofailover.set_formation_number_sync_standbys($1, $2)', [
      name,
      numSyncStandbys,
    ]);
    log.info(
      `Formation "${name}" has number_sync_standbys ${numSyncStandbys} now (was ${found.standbys}), as ${place} says`,
    );
  }
}
