import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import type { Logger } from '@pgaf/logging/logger';
import { openMonitor } from '../command-session.js';
import { requireFormation } from '../known-formation.js';

/**
 * Connects, looks whether it is a monitor that this program can talk to, and leaves.
 * @throws PgafError `cannot-connect`, UserError `not-a-monitor`, both exit 6; UserError `schema-too-new`, exit 14.
 */
export async function checkMonitor(conninfo: ConnInfo, log?: Pick<Logger, 'warn'>): Promise<void> {
  const session = await openMonitor(conninfo, log);
  await session.close();
}

/** The same, and whether it has the formation. @throws UserError `unknown-formation`, exit 1. */
export async function checkFormation(
  conninfo: ConnInfo,
  formation: string,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  const session = await openMonitor(conninfo, log);
  try {
    await requireFormation(session, formation);
  } finally {
    await session.close();
  }
}
