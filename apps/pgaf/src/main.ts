import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';
import { homedir } from 'node:os';
import { EXIT, PgafError, type ExitStatus } from '@pgaf/core/errors';
import { createLogger, levelOf, type AdjustableLogger } from '@pgaf/logging/logger';
import { loadPlugins, type PluginHost } from '@pgaf/plugin-host/plugin-host';
import { become, ownerOf, userToBecome } from './as-user.js';
import type { AnyCommand, CommandContext } from './command-spec.js';
import { GLOBAL_FLAGS } from './global-flags.js';
import { CORE_COMMANDS, CORE_COMMAND_NAMES, CORE_CREATE_FLAGS, TOPICS } from './core-commands.js';
import { hidePasswords } from './hide-arguments.js';
import { launchArguments, type LaunchArguments } from './launch-arguments.js';
import { commandId, oclifConfig } from './oclif-table.js';
import { BUNDLED_PLUGINS } from './plugins.js';
import { loadCreateNode } from './commands/create-commands.js';
import { commandsOf } from './commands/plugin-commands.js';
import { printHelp } from './print-help.js';
import { programName } from './program-name.js';
import { reportError } from './report-error.js';
import { SCHEMA_VERSION } from './schema-version.js';
import { unknownCommand } from './unknown-command.js';
import { isUsageError, usageError } from './usage-error.js';
import { VERSION } from './version.js';

/** Runs one command line and ends the process. */
export async function main(argv: readonly string[]): Promise<never> {
  // Before the listener of oclif, which throws what it is told of.
  process.stdout.prependListener('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw cannotWrite(error);
  });
  const hadPassword = hidePasswords(argv.slice(2));
  const workingDirectory = process.cwd();
  const launch = launchArguments(argv.slice(2), process.env, workingDirectory);
  const log = createLogger({ level: levelOf(launch), ...logFormat(launch) });
  if (hadPassword) {
    log.warn(
      'A password stands in the command line, where every user of this host could see it: give it by --autoctl-node-password-file to `create`, by passfile= or PGPASSFILE to other commands.',
    );
  }
  const crash = (error: unknown): never => process.exit(reportError(error, log));
  process.on('uncaughtException', crash).on('unhandledRejection', crash);
  let status: ExitStatus;
  try {
    status = await run(launch, programName(argv[1]), workingDirectory, log);
  } catch (error) {
    status = reportError(error, log);
  }
  await new Promise<void>((done) => process.stdout.write('', () => done()));
  process.exit(status);
}

function cannotWrite(cause: NodeJS.ErrnoException): PgafError {
  return new PgafError('The output of this command cannot be written.', {
    code: 'cannot-write',
    exit: EXIT.internal,
    hint: 'What it was told to do is done or goes on; look at where its output goes.',
    cause,
  });
}

/** A service's log goes to a log system; who calls a command reads it, also in a script's log. */
function logFormat({ isService, json }: LaunchArguments): { readonly format?: 'pretty' | 'json' } {
  if (!isService) return { format: 'pretty' };
  return json ? { format: 'json' } : {};
}

async function run(
  launch: LaunchArguments,
  bin: string,
  workingDirectory: string,
  log: AdjustableLogger,
): Promise<ExitStatus> {
  if (launch.wantsVersion) {
    process.stdout.write(`${bin} version ${VERSION}\n`);
    return EXIT.ok;
  }
  const became = await dropRootRights(launch);
  const host = await findPlugins(workingDirectory);
  for (const refused of host.refused) {
    log.error(`The plugin "${refused.name}" of ${refused.askedBy} is refused: ${refused.reason}.`);
  }
  const context: CommandContext = {
    bin,
    version: VERSION,
    env: process.env,
    log,
    setLogLevel: (level) => {
      if (!launch.quiet && launch.verbose === 0) log.setLevel(level ?? levelOf(launch));
    },
    host,
    print: (text) => void process.stdout.write(text),
    resolvePath: (path) => resolve(workingDirectory, path),
    became,
    osUser: launch.osUser,
  };
  const commands = allCommands(host);
  const config = await oclifConfig(bin, TOPICS, commands, () => context);
  const command = commandOf(commands, launch.words);
  if (launch.wantsHelp) {
    await printHelp(config, launch.words);
    return EXIT.ok;
  }
  if (!command) {
    await printHelp(config, launch.words);
    throw unknownCommand(
      bin,
      launch.words,
      launch.rest[launch.words.length],
      commands.map(({ name }) => name),
    );
  }
  const words = command.name.split(' ');
  try {
    return await config.runCommand<ExitStatus>(commandId(command.name), launch.rest.slice(words.length));
  } catch (error) {
    if (!isUsageError(error)) throw error;
    await printHelp(config, words);
    throw usageError(error, Object.keys({ ...GLOBAL_FLAGS, ...command.flags }));
  }
}

/**
 * As root, on a data directory: loads what the command needs, then becomes its user. A command that is none of ours
 * may be a plugin's, which is found only after that: it runs as who owns the data directory.
 */
async function dropRootRights(launch: LaunchArguments): Promise<string | null> {
  if (process.getuid?.() !== 0 || launch.wantsHelp || launch.pgdata === null) return null;
  const core = commandOf(CORE_COMMANDS, launch.words);
  if (core?.name === 'version') return null;
  if (core) await core.load();
  else if (launch.words[0] === 'create') await loadCreateNode();
  else if (ownerOf(launch.pgdata) === null) return null;
  for (const plugin of BUNDLED_PLUGINS) {
    await plugin.keeper?.();
    for (const command of plugin.commands ?? []) await command.run();
  }
  const user = userToBecome(launch.pgdata, launch.osUser);
  become(user);
  return user.name;
}

/** The plugins of the user that this process is by now: code of others never runs as root on its way down. */
function findPlugins(workingDirectory: string): Promise<PluginHost> {
  return loadPlugins({
    bundled: BUNDLED_PLUGINS,
    env: process.env,
    configHome: process.env['XDG_CONFIG_HOME'] ?? resolve(homedir(), '.config'),
    workingDirectory,
    besidePgaf: fileURLToPath(new URL('.', import.meta.url)),
    coreCommands: CORE_COMMAND_NAMES,
    coreCreateFlags: CORE_CREATE_FLAGS,
    schema: SCHEMA_VERSION,
  });
}

function allCommands(host: PluginHost): readonly AnyCommand[] {
  return [...CORE_COMMANDS, ...host.kinds().flatMap((kind) => commandsOf(host.plugin(kind)))];
}

/** The command with the most words that the line begins with. */
function commandOf(commands: readonly AnyCommand[], words: readonly string[]): AnyCommand | undefined {
  return commands
    .filter(({ name }) => name.split(' ').every((word, index) => words[index] === word))
    .sort((a, b) => b.name.length - a.name.length)[0];
}
