import { randomUUID } from 'node:crypto';
import { GenericContainer, type ExecResult, type StartedTestContainer } from 'testcontainers';
import { containerEngine } from './container-engine.js';
import { until } from './deadline.js';
import { labelsOf } from './owner-labels.js';
import { carries, type ProcessSeen } from './process-table.js';

export interface MachineOptions {
  readonly run: string;
  /** Of the container in its network, and at the end of the container's own name. */
  readonly name: string;
  readonly image: string;
  readonly network: string;
  readonly address: string;
  /** Directory in the container → volume of the run. */
  readonly volumes: Readonly<Record<string, string>>;
}

/** A container with an address of its own choice. */
class AddressedContainer extends GenericContainer {
  withAddress(network: string, address: string, alias: string): this {
    this.withNetworkMode(network);
    // The image asks every few seconds whether its node takes part: what runs here is not its node.
    this.createOpts.Healthcheck = { Test: ['NONE'] };
    this.createOpts.NetworkingConfig = {
      EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address }, Aliases: [alias] } },
    };
    return this;
  }
}

export interface Spawned {
  /** As this machine sees it. */
  readonly pid: number;
  /** The exit status. */
  readonly exited: Promise<number>;
}

/** The image's init reaps, and waits for this one. */
const KEEP_UP = ['sleep', 'infinity'];
const SPAWN_DEADLINE_MS = 30_000;
const INIT_DEADLINE_MS = 10_000;
const MACHINE_VARIABLE = 'PGAF_MACHINE';

/** A container that stays up, for others to start things in. */
export class MachineContainer {
  private constructor(
    private readonly options: MachineOptions,
    private readonly container: StartedTestContainer,
    private initPid: number,
    /** The variable that its processes start with, and no other container's. */
    readonly mark: string,
  ) {}

  static async start(options: MachineOptions): Promise<MachineContainer> {
    const mounts = Object.entries(options.volumes).map(([target, source]) => ({ source, target }));
    const machine = randomUUID();
    const container = await new AddressedContainer(options.image)
      .withName(`${options.run}-${options.name}`)
      .withHostname(options.name)
      .withLabels(labelsOf(options.run))
      .withEnvironment({ [MACHINE_VARIABLE]: machine })
      .withAutoCleanup(false)
      .withAddress(options.network, options.address, options.name)
      .withBindMounts(mounts)
      .withCommand(KEEP_UP)
      .start();
    const mark = `${MACHINE_VARIABLE}=${machine}`;
    const pid = await pidOf(container.getId(), mark);
    return new MachineContainer(options, container, pid, mark);
  }

  get address(): string {
    return this.options.address;
  }

  get id(): string {
    return this.container.getId();
  }

  get run(): string {
    return this.options.run;
  }

  get name(): string {
    return this.options.name;
  }

  /** Of its init process, as this machine sees it. */
  get pid(): number {
    return this.initPid;
  }

  /** Whether it is the program that keeps a container up. */
  keepsUp({ command }: ProcessSeen): boolean {
    return command === KEEP_UP.join(' ');
  }

  /** Runs a program to its end, by the image's user. */
  exec(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ExecResult> {
    return this.container.exec([...command], { env });
  }

  /** Starts a program that stays; it does not end with this process, but with the container. */
  async spawn(command: readonly string[]): Promise<Spawned> {
    const { container } = await containerEngine();
    const exec = await container.getById(this.id).exec({
      Cmd: [...command],
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({});
    stream.resume();
    const exited = new Promise<number>((resolve) => {
      const ended = () =>
        void exec.inspect().then(
          ({ ExitCode }) => resolve(ExitCode ?? -1),
          () => resolve(-1),
        );
      stream.once('end', ended).once('error', ended);
    });
    const pid = await until(
      { what: `${command.join(' ')} to start`, deadlineMs: SPAWN_DEADLINE_MS },
      async () => {
        const { Pid } = await exec.inspect();
        return Pid > 0 ? Pid : null;
      },
    );
    return { pid, exited };
  }

  async freeze(): Promise<void> {
    const { container } = await containerEngine();
    await container.getById(this.id).pause();
  }

  async thaw(): Promise<void> {
    const { container } = await containerEngine();
    await container.getById(this.id).unpause();
  }

  /** Killed and started again, in a network namespace that is new. */
  async powerCycle(): Promise<void> {
    const { container } = await containerEngine();
    await container.getById(this.id).kill();
    await container.getById(this.id).start();
    this.initPid = await pidOf(this.id, this.mark);
  }
}

/** The number of a container's first process on this machine, once it carries the mark. */
async function pidOf(id: string, mark: string): Promise<number> {
  const { container } = await containerEngine();
  const { Pid } = (await container.getById(id).inspect()).State;
  const what = `process ${Pid} to be the first one of the container ${id} (is its engine on another machine?)`;
  await until({ what, deadlineMs: INIT_DEADLINE_MS }, () => carries(Pid, mark));
  return Pid;
}
