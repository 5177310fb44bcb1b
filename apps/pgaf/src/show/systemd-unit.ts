/** What a unit is made of; paths are absolute. */
export interface UnitFacts {
  readonly pgdata: string;
  readonly user: string;
  /** Where the service works; `/` where it does not exist. */
  readonly home: string;
  /** The program and its first arguments, to which the command is added. */
  readonly program: readonly string[];
  /** What else the service needs to find its files and plugins. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The text of a unit that runs the service of a node.
 *
 * KillMode=process, because whether Postgres stops is the service's decision. At SIGTERM it hands over, stops
 * Postgres within a bound of its own, well below systemd's, and tells the monitor; at SIGUSR2 it leaves Postgres
 * running, and Restart=always starts the version that is installed by then, which adopts it.
 * `control-group` would send the postmaster a SIGTERM of its own. That, and `mixed`, also end what is left when
 * the main process is gone, however it went: a keeper that crashed would take its Postgres with it, where the
 * next one is to adopt it. What remains is a service that hangs at a stop: systemd kills it and leaves Postgres,
 * which `pgaf run` adopts or pg_ctl stops; of the two that is the one that can be mended.
 *
 * OOMPolicy=continue for the same reason: a backend that the kernel kills is Postgres' affair, not the unit's.
 */
export function systemdUnit({ pgdata, user, home, program, environment }: UnitFacts): string {
  const variables = Object.entries({ PGDATA: pgdata, ...environment });
  const command = (name: string): string => [...program, name].map(commandWord).join(' ');
  return `[Unit]
Description=pgaf, which keeps the Postgres of ${percent(printable(pgdata))}
Wants=network-online.target
After=network-online.target
StartLimitBurst=20

[Service]
User=${percent(user)}
WorkingDirectory=-${percent(home)}
${variables.map(([name, value]) => `Environment=${quoted(percent(`${name}=${value}`))}`).join('\n')}
ExecStart=${command('run')}
ExecReload=${command('reload')}
# Stop it with systemctl: after "pgaf stop" it is started again. So "pgaf stop --keep-postgres" is how a new version
# takes over, with Postgres running; "systemctl restart" hands over to another node and restarts Postgres.
Restart=always
# A node that was dropped has nothing left to run.
RestartPreventExitStatus=121
# Postgres outlives a service that crashed, and the next one adopts it. At a stop the service stops it.
KillMode=process
OOMPolicy=continue

[Install]
WantedBy=multi-user.target
`;
}

/** A percent sign begins a specifier. */
function percent(text: string): string {
  return text.replaceAll('%', '%%');
}

/** A dollar sign begins a variable in command lines only. */
function commandWord(text: string): string {
  const escaped = percent(text).replaceAll('$', '$$$$');
  return /^[\w./:=@%+-]+$/.test(escaped) ? escaped : quoted(escaped);
}

function quoted(text: string): string {
  return `"${printable(text.replaceAll(/["\\]/g, '\\$&'))}"`;
}

/** Control characters, of which a line break would end the line, as C writes them. */
function printable(text: string): string {
  return [...text]
    .map((sign) => (sign < ' ' ? `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}` : sign))
    .join('');
}
