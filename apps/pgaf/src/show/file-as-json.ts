import { readFileSync } from 'node:fs';
import { readConfigFile } from '@pgaf/config/file';
import type { NodePaths } from '@pgaf/config/paths';
import { findSetting, monitorSettings } from '@pgaf/config/settings';
import { readStateFile } from '@pgaf/keeper/state-file';
import { redactValue } from '@pgaf/logging/redact';
import type { CommandContext } from '../command-spec.js';
import { keeperFileSchema, type ConfiguredNode } from '../node-files.js';
import { readPidFile } from '../pid-file.js';
import type { FileName } from './show-file.js';

/**
 * What is in a file: sections of a configuration with the values that stand there, the service of a pid file.
 * @throws UserError, PgafError for a file that is damaged or another program's.
 */
export async function fileAsJson(
  name: FileName,
  role: ConfiguredNode['role'],
  paths: NodePaths,
  context: CommandContext,
): Promise<unknown> {
  switch (name) {
    case 'config':
      return configuration(role, paths.config, context);
    case 'state':
      // Says what is wrong with the file; what is in it is JSON already.
      readStateFile(paths.state);
      return JSON.parse(readFileSync(paths.state, 'utf8'));
    case 'init':
      return { init: readFileSync(paths.init, 'utf8') };
    case 'pid':
      return readPidFile(paths.pid)?.service ?? null;
  }
}

function shown(key: string, value: string): string {
  return String(redactValue(key, value));
}

async function configuration(
  role: ConfiguredNode['role'],
  path: string,
  context: CommandContext,
): Promise<Record<string, Record<string, string | number>>> {
  const schema = role === 'monitor' ? monitorSettings : keeperFileSchema(context);
  const sections: Record<string, Record<string, string | number>> = {};
  for (const { section, key, value } of (await readConfigFile(path, schema)).entries) {
    const isNumber = findSetting(schema, `${section}.${key}`)?.type === 'integer';
    sections[section] = { ...sections[section], [key]: isNumber ? Number(value) : shown(key, value) };
  }
  return sections;
}
