import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import type { MonitorLink } from '@pgaf/keeper/monitor-link';
import type { Logger } from '@pgaf/logging/logger';
import { MonitorClient } from '@pgaf/monitor-client/monitor-client';

/** A keeper's session with the monitor; it connects when it is first used. */
export function openMonitorLink(conninfo: ConnInfo, logger: Logger): MonitorLink {
  return new MonitorClient({ conninfo, applicationName: 'pgaf keeper', logger });
}
