import type { CommandResult, Host, RunOptions, Service } from './host.js';
import { killEverything, sendSignal } from './end-processes.js';
import { processesInNamespaceOf, type ProcessSeen } from './process-table.js';
import type { MachineContainer } from './machine-container.js';

/** What the images say. */
const DIRECTORY = '/var/lib/pgaf';
const DATA = '/var/lib/postgresql/data';

const COMMAND_DEADLINE_MS = 120_000;
/** Of timeout(1), when it had to send SIGKILL. */
const KILLED = 137;

/** The program takes the place of the shell, which said where its output goes. */
const INTO_LOG = 'log=$1; shift; exec "$@" >>"$log" 2>&1';

/**
 * A host that is a container: what runs there is started in it, by its image's user, beside a program that does
 * nothing and keeps it up. Paths are those in the container. Processes are those that this machine sees: the engine
 * is one of this machine, and this process is root's.
 */
export class ContainerHost implements Host {
  readonly directory = DIRECTORY;
  readonly pgdata = DATA;
  private started = 0;

  constructor(
    readonly name: string,
    /** The container, for what is not pgaf's. */
    readonly machine: MachineContainer,
  ) {}

  get address(): string {
    return this.machine.address;
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const start = performance.now();
    const seconds = (options.deadlineMs ?? COMMAND_DEADLINE_MS) / 1000;
    const command = ['timeout', '--signal=KILL', String(seconds), 'pgaf', ...args];
    const { exitCode, stdout, stderr } = await this.machine.exec(command, options.env);
    const ended = exitCode === KILLED ? `\npgaf ${args.join(' ')} was ended by SIGKILL` : '';
    return { status: exitCode, stdout, stderr: stderr + ended, elapsedMs: performance.now() - start };
  }

  async start(args: readonly string[]): Promise<Service> {
    const logFile = `${DIRECTORY}/service-${++this.started}.log`;
    const { pid, exited } = await this.machine.spawn(['sh', '-c', INTO_LOG, 'sh', logFile, 'pgaf', ...args]);
    let hasEnded = false;
    void exited.then(() => (hasEnded = true));
    const signal = (name: NodeJS.Signals): void => {
      // Its number may be another one's by then.
      if (!hasEnded) sendSignal(pid, name);
    };
    return { pid, logFile, exited, signal };
  }

  processes(): ProcessSeen[] {
    const first = this.machine.pid;
    const isOfTheMachine = (seen: ProcessSeen) => seen.pid === first || this.machine.keepsUp(seen);
    return processesInNamespaceOf(first, this.machine.mark).filter((seen) => !isOfTheMachine(seen));
  }

  killEverything(): Promise<void> {
    return killEverything(() => this.processes());
  }

  freeze(): Promise<void> {
    return this.machine.freeze();
  }

  thaw(): Promise<void> {
    return this.machine.thaw();
  }

  async logTail(lines: number): Promise<string> {
    const files = `${DIRECTORY}/*.log ${DATA}/*.log ${DATA}/log/*.log`;
    const each = `for f in ${files}; do [ -f "$f" ] && echo "--- ${this.name}: $f" && tail -n ${lines} "$f"; done`;
    try {
      return (await this.machine.exec(['sh', '-c', each])).stdout.trimEnd();
    } catch (error) {
      return `--- ${this.name}: no logs: ${String(error)}`;
    }
  }
}
