import { readFile } from 'node:fs/promises';
import { printConfig, writeConfigFile } from '@pgaf/config/file';
import type { ConfigFile } from '@pgaf/config/file';
import type { NodePaths } from '@pgaf/config/paths';
import { monitorSettings, type KeeperConfig, type Schema } from '@pgaf/config/settings';
import { findBindir } from '@pgaf/postgres/binaries';
import type { CommandContext } from '../command-spec.js';
import { checkNames } from '../create/check-names.js';
import { checkClientCertificate, checkServerCertificate } from '../create/check-security.js';
import { completeConfig } from '../create/create-node.js';
import { planMonitor } from '../create/monitor-plan.js';
import { planNode, type RoleToCreate } from '../create/node-plan.js';
import { keeperFileSchema, readNode, type ConfiguredNode } from '../node-files.js';
import { clientCertificate } from '../service/node-config.js';
import { flagsOfFile } from './create-flags-of-file.js';
import type { SpecifiedNode } from './specified-node.js';

/** What a node keeps from its creation: another value in the file is told, and has no effect. */
const KEPT = ['port', 'host', 'username', 'dbname', 'waldir'] as const;

/**
 * Writes the configuration of a node that is created already as its file wants it; everything else in it stays.
 * @returns whether that has changed anything, which a service that runs takes by a reload.
 * @throws UserError for what is wrong; then nothing is written.
 */
export async function convergeConfiguration(spec: SpecifiedNode, context: CommandContext): Promise<boolean> {
  const node = await readNode(spec.file.pgdata, context);
  const flags = flagsOfFile(spec, context);
  const { what } = spec;
  const wanted =
    what === null ? await planMonitor(flags, context) : await nodeConfiguration(what, flags, node, context);
  const { postgresql } = wanted.config;
  const kept = Object.fromEntries(
    KEPT.flatMap((key) => {
      const before = (node.config.postgresql as Partial<KeeperConfig['postgresql']>)[key];
      const after = (postgresql as Partial<KeeperConfig['postgresql']>)[key];
      if (after !== before)
        context.log.warn(
          `${spec.file.path}: postgresql.${key} stays ${before ?? 'unset'} (the file says ${after ?? 'nothing'}): ${reasonToKeep(key)}`,
        );
      return [[key, before] as const];
    }),
  );
  const config = { ...wanted.config, postgresql: { ...postgresql, ...kept } };
  const schema = what === null ? monitorSettings : keeperFileSchema(context);
  return writeIfNew(wanted.paths, schema, config, wanted.earlier);
}

function reasonToKeep(key: (typeof KEPT)[number]): string {
  return key === 'port' ? 'it changes at the next start' : 'it is chosen when the node is created';
}

/** Looks at the host as `create` does, but for what the monitor has been told already. */
async function nodeConfiguration(
  what: RoleToCreate,
  flags: ReturnType<typeof flagsOfFile>,
  node: ConfiguredNode,
  context: CommandContext,
) {
  const plan = await planNode(what, flags, context);
  const { pgAutoctl, postgresql } = plan.config;
  const hostname = pgAutoctl.hostname ?? node.config.pgAutoctl.hostname ?? '';
  await checkClientCertificate(plan.security, clientCertificate(context.env), context.log);
  await checkNames(pgAutoctl, context.log);
  await checkServerCertificate(plan.security.ssl, hostname, context.log);
  const bindir = await findBindir({ pgCtl: postgresql.pgCtl, env: context.env });
  return { ...plan, config: completeConfig(plan, { bindir, hostname, postgresql }) };
}

async function writeIfNew(
  { config: path }: NodePaths,
  schema: Schema,
  config: object,
  earlier: ConfigFile | undefined,
): Promise<boolean> {
  if (printConfig(schema, config, earlier) === (await readFile(path, 'utf8'))) return false;
  await writeConfigFile(path, schema, config, earlier);
  return true;
}
