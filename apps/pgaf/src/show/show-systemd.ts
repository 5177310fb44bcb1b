import { homedir, userInfo } from 'node:os';
import type { CommandContext } from '../command-spec.js';
import { nodePaths, roleOf } from '../node-files.js';
import { shellWord } from '@pgaf/core/shell-word';
import { systemdUnit } from './systemd-unit.js';

const UNIT = 'pgautofailover';
/**
 * Where a service looks for files and plugins. Not XDG_RUNTIME_DIR: the one of a login is removed with it,
 * while the service goes on.
 */
const CARRIED = ['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'PGAF_PLUGINS'];

export interface ShowSystemdFlags {
  readonly pgdata?: string | undefined;
}

/** Prints a unit for the node; what to do with it goes to the log. */
export async function showSystemd(flags: ShowSystemdFlags, context: CommandContext): Promise<void> {
  const paths = nodePaths(flags.pgdata, context);
  await roleOf(paths);
  const carried = CARRIED.map((name) => [name, context.env[name] ?? '']).filter(([, value]) => value !== '');
  context.print(
    systemdUnit({
      pgdata: paths.pgdata,
      user: userInfo().username,
      home: context.env['HOME'] ?? homedir(),
      // The script by the name that it was called by, a link too: an upgrade moves what is behind it.
      program: [process.execPath, process.argv[1] ?? context.bin],
      environment: Object.fromEntries(carried),
    }),
  );
  context.log.info(`HINT: to complete a systemd integration, run the following commands (as root):`);
  for (const line of [
    `${context.bin} -q show systemd --pgdata ${shellWord(paths.pgdata)} | tee /etc/systemd/system/${UNIT}.service`,
    'systemctl daemon-reload',
    `systemctl enable ${UNIT}`,
    `systemctl start ${UNIT}`,
  ])
    context.log.info(line);
}
