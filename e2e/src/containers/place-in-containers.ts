import { ContainerNetwork } from '@pgaf/testing/container-network';
import type { ReadingPlace } from '../pages/reading-place.js';
import { Terminal } from '../pages/terminal.js';
import type { TypedCommand } from '../pages/typed-commands.js';
import { shellIn } from './shell-in-container.js';

/** The address that a page gives all its hosts. */
const LOOPBACK = '127.0.0.1';

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
    /** Terminal → address. */
    private readonly addresses: ReadonlyMap<string, string>,
    /** Port that a command of the page asks for → address of that command's terminal. */
    private readonly servers: ReadonlyMap<string, string>,
  ) {}

  /** @param name The page says `/tmp/<name>` where it means its directory. */
  static async find(name: string, commands: readonly TypedCommand[]): Promise<PlaceInContainers> {
    const directory = `/tmp/${name}`;
    const network = await ContainerNetwork.make();
    try {
      const addresses = new Map<string, string>();
      for (const terminal of new Set(commands.map(({ host }) => host))) {
        const { machine, address } = await network.addHost(terminal);
        await machine.exec(['mkdir', directory]);
        addresses.set(terminal, address);
      }
      const servers = new Map<string, string>();
      for (const { host, command } of commands)
        for (const [, port = ''] of command.matchAll(/--pgport[ =](\d+)/g))
          servers.set(port, addresses.get(host) ?? LOOPBACK);
      return new PlaceInContainers(network, directory, monitorOf(commands), addresses, servers);
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  asHere(text: string, terminal: string): string {
    const own = this.addresses.get(terminal) ?? LOOPBACK;
    const { monitor } = this;
    const isElsewhere = monitor !== null && monitor.terminal !== terminal;
    const there = isElsewhere
      ? text.replaceAll(`--pgdata ${monitor.pgdata}`, `--monitor '${monitor.uri}'`)
      : text;
    return there
      .replace(/\b127\.0\.0\.1:(\d+)/g, (_, port: string) => `${this.servers.get(port) ?? LOOPBACK}:${port}`)
      .replaceAll(`--hostname ${LOOPBACK}`, `--hostname ${own}`);
  }

  async open(terminal: string): Promise<Terminal> {
    const shell = await shellIn(this.network.host(terminal).machine, this.directory, { PAGER: 'cat' });
    return new Terminal(shell);
  }

  async logs(): Promise<string> {
    const tails = ['sh', '-c', `tail -n 15 ${this.directory}/*.log`];
    const all = [...this.addresses.keys()].map(async (terminal) => {
      const { output } = await this.network.host(terminal).machine.exec(tails);
      return `--- ${terminal}\n${output}`;
    });
    return (await Promise.all(all)).join('\n');
  }

  async close(): Promise<void> {
    await this.network.remove();
  }
}
