import { readConfigFile, type ConfigFile } from '@pgaf/config/file';
import type { NodePaths } from '@pgaf/config/paths';
import { resolve } from '@pgaf/config/precedence';
import type { ConfigOf, Schema, SettingValue } from '@pgaf/config/settings';
import { existsSync } from 'node:fs';
import type { FlagValues } from './flag-values.js';
import { withPasswords } from './password-file.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the command line, the environment and an earlier configuration file say together. */
export async function configOfFlags<const S extends Schema>(
  schema: S,
  fileSchema: Schema,
  paths: NodePaths,
  flags: FlagValues,
  env: Environment,
): Promise<{ readonly config: ConfigOf<S>; readonly earlier: ConfigFile | undefined }> {
  const earlier = existsSync(paths.config) ? await readConfigFile(paths.config, fileSchema) : undefined;
  const values: Record<string, SettingValue | undefined> = { ...flags, pgdata: paths.pgdata };
  return { config: resolve(schema, { flags: values, env, file: earlier }).config, earlier };
}

const PATHS = [
  'pgctl',
  'server-cert',
  'server-key',
  'ssl-ca-file',
  'ssl-crl-file',
  'replication-password-file',
  'autoctl-node-password-file',
] as const;

/** What a command line says: with the passwords of its files, and paths as the user meant them. */
export function typedFlags(typed: FlagValues, resolvePath: (path: string) => string): FlagValues {
  return withPasswords(withAbsolutePaths(typed, resolvePath));
}

function withAbsolutePaths(flags: FlagValues, resolvePath: (path: string) => string): FlagValues {
  const absolute = PATHS.flatMap((name) => {
    const path = flags[name];
    return typeof path === 'string' && path !== '' ? [[name, resolvePath(path)] as const] : [];
  });
  return { ...flags, ...Object.fromEntries(absolute) };
}
