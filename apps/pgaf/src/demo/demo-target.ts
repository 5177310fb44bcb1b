import { userInfo } from 'node:os';
import { parseConnInfo, type ConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, PgafError } from '@pgaf/core/errors';
import { openMonitor } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { AwaitedServer } from '../create/await-server.js';
import { formationUri } from '../formation-uri.js';
import { requireFormation } from '../known-formation.js';
import { monitorConnInfo } from '../monitor-conninfo.js';
import { findMonitor, type MonitorFlags, type MonitorPlace } from '../reach-monitor.js';

export interface TargetFlags extends MonitorFlags {
  readonly username?: string | undefined;
  readonly json: boolean;
}

/** The formation as the application sees it. */
export interface DemoTarget {
  readonly place: MonitorPlace;
  readonly conninfo: ConnInfo;
}

/**
 * @param patience How long to wait for a monitor that is not up yet, and for the formation's first node.
 * @throws UserError `unknown-formation`; PgafError `no-nodes`.
 */
export async function findTarget(
  flags: TargetFlags,
  context: CommandContext,
  patience: Milliseconds = 0,
): Promise<DemoTarget> {
  const place = await findMonitor(flags, context);
  const monitor = monitorConnInfo(place.conninfo, 'The monitor');
  const awaited = new AwaitedServer(monitor, patience, context.log);
  const uri = await awaited.use(async () => {
    const session = await openMonitor(place);
    try {
      await requireFormation(session, place.formation);
      const found = await formationUri(session, place.formation, place.tls);
      if (found === null) throw noNodes(place.formation);
      return found;
    } finally {
      await session.close();
    }
  });
  const user = flags.username ?? (context.env['PGUSER'] || userInfo().username);
  return { place, conninfo: { ...parseConnInfo(uri), user } };
}

function noNodes(formation: string): PgafError {
  return new PgafError(`The formation "${formation}" has no nodes.`, {
    code: 'no-nodes',
    exit: EXIT.badState,
    hint: 'Create them with `pgaf create`.',
    mayMendItself: true,
  });
}
