import { existsSync, readFileSync } from 'node:fs';
import type { NodePaths } from '@pgaf/config/paths';
import { EXIT, UserError } from '@pgaf/core/errors';
import type { CommandContext } from '../command-spec.js';
import { flagsConflict } from '../flags-conflict.js';
import { nodePaths, roleOf, type ConfiguredNode } from '../node-files.js';
import { fileTable } from '../output/file-table.js';
import { jsonText } from '../output/json-text.js';
import { fileAsJson } from './file-as-json.js';
import { withoutSecrets } from './hide-secrets.js';

/** Titles of the table; the keys are those of the selectors and of --json. */
const TITLES = { config: 'Config', state: 'State', init: 'Init', pid: 'Pid' } as const;
export type FileName = keyof typeof TITLES;
const NAMES = Object.keys(TITLES) as FileName[];

const FILES_OF: Readonly<Record<ConfiguredNode['role'], readonly FileName[]>> = {
  monitor: ['config', 'pid'],
  keeper: ['config', 'state', 'init', 'pid'],
};

export interface ShowFileFlags extends Readonly<Record<FileName | 'all' | 'contents' | 'json', boolean>> {
  readonly pgdata?: string | undefined;
}

/** The paths of the files of a node, or of one of them, or what is in it. */
export async function showFile(flags: ShowFileFlags, context: CommandContext): Promise<void> {
  const selected = selectedFile(flags);
  const paths = nodePaths(flags.pgdata, context);
  const role = await roleOf(paths);
  if (selected === null) {
    const names = FILES_OF[role].filter((name) => name !== 'init' || existsSync(paths.init));
    const files = names.map((name) => ({ name, title: TITLES[name], path: paths[name] }));
    const json = Object.fromEntries(files.map(({ name, path }) => [name, path]));
    context.print(flags.json ? jsonText(json) : fileTable(files));
    return;
  }
  if (!FILES_OF[role].includes(selected)) {
    throw new UserError(`A monitor has no ${selected} file.`, {
      code: 'no-such-file',
      exit: EXIT.badArguments,
      hint: 'It has a configuration and a pid file: --config, --pid.',
    });
  }
  // The others belong where their paths say, also while they are not there; this one says that something is open.
  if (selected === 'init' || flags.contents) requireFile(selected, paths);
  if (!flags.contents) {
    context.print(flags.json ? jsonText({ [selected]: paths[selected] }) : `${paths[selected]}\n`);
    return;
  }
  const isJson = flags.json || selected === 'state';
  context.print(
    isJson
      ? jsonText(await fileAsJson(selected, role, paths, context))
      : withoutSecrets(readFileSync(paths[selected], 'utf8')),
  );
}

/** @returns null for all of them. @throws UserError `flags-conflict`, exit 1. */
function selectedFile(flags: ShowFileFlags): FileName | null {
  const names = NAMES.filter((name) => flags[name]);
  if (names.length + (flags.all ? 1 : 0) > 1) {
    const given = [...(flags.all ? ['all'] : []), ...names].map((name) => `--${name}`);
    throw flagsConflict(given, 'Give one of them; without any, all files are listed.');
  }
  const [selected = null] = names;
  if (selected === null && flags.contents) {
    throw new UserError('--contents prints one file, and none is chosen.', {
      code: 'flags-conflict',
      exit: EXIT.badArguments,
      hint: 'Add one of --config, --state, --init, --pid.',
    });
  }
  return selected;
}

const WHY_MISSING: Readonly<Record<FileName, string>> = {
  config: 'Create the node first.',
  state: 'The node is not registered, or was dropped; `pgaf create` registers it.',
  init: 'It is there only while a creation is unfinished.',
  pid: 'It is there only while the service runs: `pgaf run` starts it.',
};

function requireFile(name: FileName, paths: NodePaths): void {
  if (existsSync(paths[name])) return;
  throw new UserError(`There is no ${paths[name]}.`, {
    code: 'no-such-file',
    exit: EXIT.badState,
    hint: WHY_MISSING[name],
  });
}
