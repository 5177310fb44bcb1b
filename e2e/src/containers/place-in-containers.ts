import { ContainerNetwork } from '@pgaf/testing/container-network';
import type { ReadingPlace } from '../pages/reading-place.js';
import { onEachMachine, type Typing } from '../pages/rounds.js';
import { Terminal } from '../pages/terminal.js';
import type { TypedCommand } from '../pages/typed-commands.js';
import { shellIn } from './shell-in-container.js';

/** The addresses that a page gives its hosts, and what may stand between one and its port. */
const ADDRESS = /\b127\.0\.0\.\d+(:|\s+\|\s+)(\d+)/g;
const OWN_ADDRESS = /--hostname 127\.0\.0\.\d+/g;

/** The monitor that a page creates: who is on another machine names it by its URI. */
interface MonitorOfPage {
  readonly terminal: string;
  readonly pgdata: string;
  readonly uri: string;
}

function monitorOf(commands: readonly TypedCommand[]): MonitorOfPage | null {
  const create = commands.find(({ command }) => command.includes('pgaf create monitor'));
  const pgdata = /--pgdata (\S+)/.exec(create?.command ?? '')?.[1];
  const shown = commands.flatMap(({ output }) => /postgres:\/\/autoctl_node@\S+/.exec(output)?.[0] ?? []);
  return create && pgdata && shown[0] ? { terminal: create.host, pgdata, uri: shown[0] } : null;
}

/**
 * Each terminal of a page on a machine of its own: a container with an address in the place of the page's, which has
 * nothing in common with the others. What the page calls its directory is there on each.
 */
export class PlaceInContainers implements ReadingPlace {
  private constructor(
    private readonly network: ContainerNetwork,
    private readonly directory: string,
    private readonly monitor: MonitorOfPage | null,
    private readonly machines: ReadonlySet<string>,
    /** Port that a command of the page asks for → address of that command's terminal. */
    private readonly servers: ReadonlyMap<string, string>,
  ) {}

  /**
   * Where all containers are of one image.
   * @returns Finds the place of a page, which says `/tmp/<name>` where it means its directory.
   */
  static of(image: string) {
    return (name: string, commands: readonly TypedCommand[]) =>
      PlaceInContainers.find(image, `/tmp/${name}`, commands);
  }

  private static async find(
    image: string,
    directory: string,
    commands: readonly TypedCommand[],
  ): Promise<PlaceInContainers> {
    const network = await ContainerNetwork.make({ image });
    try {
      const machines = new Set(commands.map(({ host }) => host));
      for (const name of machines) {
        const { machine } = await network.addHost(name);
        await machine.exec(['mkdir', directory]);
      }
      const servers = new Map<string, string>();
      for (const { host, command } of commands)
        for (const [, port = ''] of command.matchAll(/--pgport[ =](\d+)/g))
          servers.set(port, network.host(host).address);
      return new PlaceInContainers(network, directory, monitorOf(commands), machines, servers);
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  rounds(step: TypedCommand): Typing[][] {
    return onEachMachine(step, this.machines);
  }

  asHere(text: string, terminal: string): string {
    const { monitor } = this;
    const isElsewhere = monitor !== null && monitor.terminal !== terminal;
    const there = isElsewhere
      ? text.replaceAll(`--pgdata ${monitor.pgdata}`, `--monitor '${monitor.uri}'`)
      : text;
    const own = this.network.host(terminal).address;
    return there
      .replace(ADDRESS, (text, between: string, port: string) => {
        const server = this.servers.get(port);
        return server === undefined ? text : `${server}${between}${port}`;
      })
      .replace(OWN_ADDRESS, `--hostname ${own}`);
  }

  async open(terminal: string): Promise<Terminal> {
    const shell = await shellIn(this.network.host(terminal).machine, this.directory, { PAGER: 'cat' });
    return new Terminal(shell);
  }

  async logs(): Promise<string> {
    const tails = ['sh', '-c', `tail -n 15 ${this.directory}/*.log`];
    const all = [...this.machines].map(async (terminal) => {
      const { output } = await this.network.host(terminal).machine.exec(tails);
      return `--- ${terminal}\n${output}`;
    });
    return (await Promise.all(all)).join('\n');
  }

  async close(): Promise<void> {
    await this.network.remove();
  }
}
