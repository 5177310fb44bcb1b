import { done, type Outcome } from '@pgaf/core/result';
import {
  ensureDatabase,
  ensureExtensions,
  ensureMonitorRole,
  ensureReplicationRole,
  ensureRole,
} from '@pgaf/postgres/roles';
import { hasStatistics } from './settings.js';
import type { StepContext } from './step-context.js';

/** Roles, database and extensions. What is there already stays as it is. */
export async function createRoles({ situation }: StepContext): Promise<Outcome> {
  const { config, instance, requirements } = situation;
  await ensureMonitorRole(instance.sql);
  await ensureReplicationRole(instance.sql, config.replicationPassword?.reveal());
  if (config.username !== null) await ensureRole(instance.sql, config.username, 'LOGIN SUPERUSER');
  await ensureDatabase(instance.server, config.dbname, config.username ?? config.superuser);
  const extensions = [
    ...(hasStatistics(config) ? ['pg_stat_statements'] : []),
    ...(requirements?.extensions ?? []).map(({ name }) => name),
  ];
  await ensureExtensions({ ...instance.server, database: config.dbname }, extensions);
  return done;
}
