import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pathsFor } from '@pgaf/config/paths';
import { createLogger } from '@pgaf/logging/logger';
import { loadPlugins } from '@pgaf/plugin-host/plugin-host';
import { afterAll, describe, expect, it } from 'vitest';
import type { CommandContext } from '../command-spec.js';
import { CORE_COMMAND_NAMES, CORE_CREATE_FLAGS } from '../core-commands.js';
import { planNode } from '../create/node-plan.js';
import { BUNDLED_PLUGINS } from '../plugins.js';
import { SCHEMA_VERSION } from '../schema-version.js';
import { createFlagsOfFile, flagsOfFile } from './create-flags-of-file.js';
import { readSpecifiedNode } from './specified-node.js';

const directory = mkdtempSync(join(tmpdir(), 'pgaf-node-file-'));
afterAll(() => rmSync(directory, { recursive: true }));

const host = await loadPlugins({
  bundled: BUNDLED_PLUGINS,
  env: {},
  configHome: directory,
  workingDirectory: directory,
  besidePgaf: fileURLToPath(new URL('.', import.meta.url)),
  coreCommands: CORE_COMMAND_NAMES,
  coreCreateFlags: CORE_CREATE_FLAGS,
  schema: SCHEMA_VERSION,
});

const FILE =
  '[postgresql]\npgdata = data\n[monitor]\npguri = postgres://h/d\n[options]\nssl = off\nauth = trust\n';

type Said = boolean | undefined;

interface Case {
  /** `options.pg_hba_lan` of the file; undefined where it says nothing. */
  readonly file: Said;
  readonly env: string | undefined;
  readonly level: 'app' | 'minimal';
}

/** A host of its own for each case, on which nothing runs. */
function place({ file, env }: Case) {
  const root = mkdtempSync(join(directory, 'case-'));
  const ini = join(root, 'node.ini');
  writeFileSync(ini, file === undefined ? FILE : `${FILE}pg_hba_lan = ${file}\n`, { mode: 0o600 });
  const context = {
    env: { HOME: root, ...(env === undefined ? {} : { PG_AUTOCTL_PG_HBA_LAN: env }) },
    log: createLogger({ level: 'error' }),
    host,
    resolvePath: (path: string) => path,
  } as unknown as CommandContext;
  return { root, ini, context };
}

async function levelOf(
  { ini, context }: ReturnType<typeof place>,
  flags: typeof flagsOfFile,
): Promise<string> {
  const spec = await readSpecifiedNode(ini, context);
  if (spec.what === null) throw new Error('it is a monitor');
  return (await planNode(spec.what, flags(spec, context), context)).security.hbaLevel;
}

describe('a new node lets the local network in', () => {
  it.each<Case>([
    { file: undefined, env: undefined, level: 'app' },
    { file: undefined, env: '', level: 'app' },
    { file: undefined, env: 'true', level: 'app' },
    { file: undefined, env: 'false', level: 'minimal' },
    { file: false, env: undefined, level: 'minimal' },
    { file: false, env: 'true', level: 'minimal' },
    { file: true, env: 'false', level: 'app' },
  ])('as $level, where the file says $file and the environment $env', async (each) => {
    expect(await levelOf(place(each), createFlagsOfFile)).toBe(each.level);
  });
});

describe('a node that is there lets the local network in', () => {
  it.each<Case & { readonly before: Case['level'] }>([
    { before: 'app', file: undefined, env: undefined, level: 'app' },
    { before: 'app', file: undefined, env: '', level: 'app' },
    { before: 'app', file: undefined, env: 'false', level: 'minimal' },
    { before: 'app', file: false, env: undefined, level: 'minimal' },
    { before: 'app', file: false, env: 'true', level: 'minimal' },
    { before: 'minimal', file: undefined, env: undefined, level: 'minimal' },
    { before: 'minimal', file: true, env: 'false', level: 'app' },
  ])(
    'as $level after $before, where the file says $file and the environment $env',
    async ({ before, ...each }) => {
      const there = place(each);
      const { config } = pathsFor(join(there.root, 'data'), there.context.env);
      mkdirSync(dirname(config), { recursive: true });
      writeFileSync(config, `[pg_autoctl]\nrole = keeper\n[postgresql]\nhba_level = ${before}\n`);
      expect(await levelOf(there, flagsOfFile)).toBe(each.level);
    },
  );
});
