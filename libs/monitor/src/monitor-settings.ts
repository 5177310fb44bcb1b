import type { Milliseconds } from '@pgaf/core/durations';
import type { Lsn } from '@pgaf/core/lsn';
import { DEFAULT_TIMINGS } from '@pgaf/fsm/default-timings';
import type { HealthTlsFiles } from './health-tls.js';
import type { Timings } from '@pgaf/plugin-api/snapshot';

/** What an administrator can choose; the service takes new values while it runs. */
export interface MonitorSettings {
  /** A node is silent when its last report is older: two missed reports and some slack. */
  readonly silentAfter: Milliseconds;
  /** Health checks that fail for longer outweigh a keeper that says all is well. */
  readonly badHealthAfter: Milliseconds;
  /** What a fenced Postgres may take to stop, and clocks to differ, after the lease of a silent primary is over. */
  readonly leaseMargin: Milliseconds;
  /** Bytes that a standby may lag behind and still become secondary. */
  readonly enableSyncLag: Lsn;
  readonly healthCheckPeriod: Milliseconds;
  readonly healthCheckTimeout: Milliseconds;
  /** What a health check asks of the TLS of a node. */
  readonly healthTls: HealthTlsFiles;
  /** Events and answered commands are kept for as long as both of their limits allow. */
  readonly historyAge: Milliseconds;
  readonly historyRows: number;
}

export const DEFAULT_SETTINGS: MonitorSettings = {
  ...DEFAULT_TIMINGS,
  healthCheckPeriod: 1000,
  healthCheckTimeout: 1000,
  healthTls: { sslmode: 'prefer', caFile: null, crlFile: null },
  historyAge: 90 * 86_400_000,
  historyRows: 100_000,
};

export function timingsOf(settings: MonitorSettings, serviceStartedAt: Milliseconds): Timings {
  const { silentAfter, badHealthAfter, leaseMargin, enableSyncLag } = settings;
  return { serviceStartedAt, silentAfter, badHealthAfter, leaseMargin, enableSyncLag };
}
