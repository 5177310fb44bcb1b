import { defineCommand, type AnyCommand } from '../command-spec.js';
import { formation, group, json, monitor, osUser, pgdata } from '../flag-definitions.js';

export const EXPLAIN_COMMAND: AnyCommand = defineCommand({
  name: 'explain',
  summary: 'Say what each node waits for, which rule moved it, and what a failover would take',
  flags: { pgdata, monitor, formation, group, json, 'os-user': osUser },
  load: async () => (await import('../explain/explain.js')).explain,
});
