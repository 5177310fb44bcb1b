import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { done, type Outcome } from '@pgaf/core/result';
import type { NodeToSet } from '@pgaf/plugin-api';
import { ensureSelfSignedCertificate } from '@pgaf/postgres/certificates';
import { dataNodeSettings, STATISTICS, type SslFiles } from '@pgaf/postgres/data-node-settings';
import { reload } from '@pgaf/postgres/reload';
import { ensureReplicationPassword } from '@pgaf/postgres/roles';
import { defaultSlotBound } from '@pgaf/postgres/slot-bound';
import { includeSettingsFiles, writeSettings, type Setting } from '@pgaf/postgres/settings';
import type { NodeConfig } from '../node-config.js';
import type { Situation } from '../situation.js';
import { writeHba } from './hba.js';
import type { StepContext } from './step-context.js';
import { writePassfile } from './upstream-of.js';

/** Settings and hba of ours, for any role; a running Postgres reads them. */
export async function applySettings({ situation }: StepContext): Promise<Outcome> {
  const { instance } = situation;
  await writeFiles(situation);
  if (instance.isRunning()) {
    await situation.readingHba(() => reload(instance.sql));
    await keepPassword(situation);
    situation.inspectedAt = null;
  }
  return done;
}

/** A password that the user changed; standbys have it from their upstream. */
async function keepPassword({ config, instance, observation, log }: Situation): Promise<void> {
  const password = config.replicationPassword?.reveal();
  if (password === undefined || observation === null || observation.inRecovery) return;
  if ((await ensureReplicationPassword(instance.sql, password)) === 'changed')
    log.info('The replication role has the password of the configuration now');
}

/** What must be in the data directory before Postgres starts there; a copy brings the source's files. */
export async function writeFiles(situation: Situation): Promise<void> {
  const { pgdata } = situation.config;
  await writePassfile(situation.config);
  await writeSettings(pgdata, 'node', await settingsOf(situation));
  await includeSettingsFiles(pgdata);
  await writeHba(situation);
}

async function settingsOf({ config, requirements }: Situation): Promise<Setting[]> {
  const preload = [...(requirements?.preload ?? []), ...(hasStatistics(config) ? [STATISTICS] : [])];
  return dataNodeSettings({
    port: config.port,
    listenAddresses: config.listenAddresses,
    socketDirectory: config.socketDirectory,
    ssl: await sslFiles(config),
    authMethod: config.auth,
    slotBound: config.slotBound ?? (await defaultSlotBound(config.pgdata)),
    extra: [
      ...(preload.length > 0 ? [['shared_preload_libraries', preload.join(', ')] as const] : []),
      ...Object.entries(requirements?.settings ?? {}),
      ...Object.entries(requirements?.settingsFor?.(nodeToSet(config)) ?? {}),
    ],
  });
}

function nodeToSet({ host, port, tls, pluginSettings }: NodeConfig): NodeToSet {
  const verifies = tls.active && tls.sslmode.startsWith('verify-');
  return {
    host,
    port,
    sslmode: tls.sslmode,
    sslrootcert: verifies ? tls.caFile : null,
    sslcrl: verifies ? tls.crlFile : null,
    settings: pluginSettings,
  };
}

async function sslFiles({ tls, pgdata, host }: NodeConfig): Promise<SslFiles | undefined> {
  if (!tls.active) return undefined;
  const files = tls.selfSigned
    ? await ensureSelfSignedCertificate(pgdata, host)
    : { certFile: tls.certFile ?? 'server.crt', keyFile: tls.keyFile ?? 'server.key' };
  return {
    certFile: files.certFile,
    keyFile: files.keyFile,
    caFile: tls.caFile ?? undefined,
    crlFile: tls.crlFile ?? undefined,
  };
}

/** Packagers may leave the contributed modules out, and Postgres does not start with one that is missing. */
export function hasStatistics({ bindir }: NodeConfig): boolean {
  return existsSync(join(bindir, '..', 'lib', `${STATISTICS}.so`));
}
