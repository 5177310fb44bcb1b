import { EXIT, PgafError } from '@pgaf/core/errors';
import type { CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { until } from '../wait-until.js';

const PATIENCE_MS = 60_000;

/** Where settings were changed: a group, or with `group` null each group of the formation. */
export interface Changed {
  readonly formation: string;
  readonly group: number | null;
}

interface Waiting {
  readonly name: string;
  readonly state: string;
  /** Nothing is heard of it, and it does not answer the monitor. */
  readonly lost: boolean;
}

/** The primaries of these groups that have not proved yet that they obey the newest setting. */
const NOT_YET = `
SELECT n.nodename AS name, n.reportedstate::text AS state,
       n.health = 0 AND n.reporttime < now() - interval '5 s' AS lost
  FROM pgautofailover.group_state g JOIN pgautofailover.node n ON n.nodeid = g.leader
 WHERE g.formationid = $1 AND ($2::int IS NULL OR g.groupid = $2)
   AND n.goalstate IN ('wait_primary', 'primary', 'apply_settings')
   AND (n.reportedstate <> n.goalstate OR n.goalstate = 'apply_settings'
        OR (n.facts ->> 'confirmedSetting')::bigint IS DISTINCT FROM (g.settings_in_force -> -1 ->> 'version')::bigint)
 ORDER BY n.nodeid`;

/**
 * Waits until the primary obeys what was set; where there is none, or it is lost, the next one will from its first moment.
 * @throws PgafError `settings-not-in-force`, exit 6.
 */
export async function awaitSettingsInForce(
  session: CommandSession,
  { formation, group }: Changed,
  { log }: CommandContext,
): Promise<void> {
  let left: readonly Waiting[] = [];
  const ask = async (): Promise<boolean> => {
    left = await session.query<Waiting>(NOT_YET, [formation, group]);
    return left.every(({ lost }) => lost);
  };
  let heard = await ask();
  if (!heard) {
    log.info(`Waiting for the settings to be in force on ${namesOf(left)}`);
    heard = await until(ask, PATIENCE_MS);
  }
  if (heard) {
    if (left.length > 0)
      log.warn(
        `The settings are stored. ${namesOf(left)} is out of reach: whoever is primary next obeys them`,
      );
    return;
  }
  throw new PgafError(
    `The settings are stored, and not in force within ${PATIENCE_MS / 1000} s: ${left
      .map(({ name, state }) => `"${name}" is ${state}`)
      .join(', ')}.`,
    {
      code: 'settings-not-in-force',
      exit: EXIT.monitor,
      hint: 'They come into force when enough standbys of the quorum answer; `pgaf show state` says what is waited for.',
    },
  );
}

function namesOf(nodes: readonly Waiting[]): string {
  return nodes.map(({ name }) => `"${name}"`).join(', ');
}
