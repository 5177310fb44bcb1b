import { containerEngine, newRun, removeRun, sweepContainers } from './container-engine.js';
import { ContainerHost } from './container-host.js';
import { ContainerLines } from './container-lines.js';
import { pgafImage } from './container-support.js';
import { MachineContainer } from './machine-container.js';
import type { Place } from './network.js';
import { labelsOf } from './owner-labels.js';

/** RFC 2544 sets 198.18.0.0/15 aside for tests of networks; a network is a /24 of its first half. */
const MOST_NETWORKS = 256;
/** The engine's end of the switch: what the test sends comes from there. */
const TEST_ITSELF = 1;

export interface ContainerNetworkOptions {
  /** Of the hosts; `pgaf:15`, or what the variable `PGAF_IMAGE` names, unless told. */
  readonly image?: string;
}

/**
 * Hosts that are containers, on a network of the engine that the test itself reaches. What goes from one to another
 * can be cut off, each way. Everything that it makes in the engine carries the label of the run and of its owner,
 * and goes at the latest when the next network is made after the owner's end.
 */
export class ContainerNetwork {
  /** The test itself: its clients connect from here. */
  readonly test: Place;
  private readonly hosts = new Map<string, ContainerHost>();
  private readonly lines: ContainerLines;

  private constructor(
    private readonly run: string,
    private readonly number: number,
    private readonly image: string,
  ) {
    this.test = { address: this.addressOf(TEST_ITSELF) };
    this.lines = new ContainerLines(run);
  }

  /** Removes what dead processes left, and makes a network without hosts. */
  static async make({ image = pgafImage() }: ContainerNetworkOptions = {}): Promise<ContainerNetwork> {
    await sweepContainers();
    const { container } = await containerEngine();
    const run = newRun();
    for (let number = 0; number < MOST_NETWORKS; number++) {
      const subnet = { Subnet: `198.18.${number}.0/24`, Gateway: `198.18.${number}.${TEST_ITSELF}` };
      try {
        await container.dockerode.createNetwork({
          Name: run,
          Labels: labelsOf(run),
          IPAM: { Driver: 'default', Config: [subnet] },
        });
        return new ContainerNetwork(run, number, image);
      } catch (error) {
        if (!String(error).includes('overlaps')) throw error;
      }
    }
    throw new Error(`${MOST_NETWORKS} networks of tests are here already: see docker network ls`);
  }

  /** A new host, up and without anything of pgaf's running. */
  async addHost(name: string): Promise<ContainerHost> {
    if (this.hosts.has(name)) throw new Error(`the network has a host ${name} already`);
    const volumes: Record<string, string> = {};
    for (const [target, of] of Object.entries(ownDirectories(name))) volumes[target] = await this.volume(of);
    const machine = await MachineContainer.start({
      run: this.run,
      name,
      image: this.image,
      network: this.run,
      address: this.addressOf(TEST_ITSELF + 1 + this.hosts.size),
      volumes,
    });
    const host = new ContainerHost(name, machine);
    this.hosts.set(name, host);
    this.lines.add(machine);
    return host;
  }

  host(name: string): ContainerHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`the network has no host ${name}`);
    return host;
  }

  /** From now on nothing arrives of what the first one sends to the second one. */
  async cutOneWay(from: Place, to: Place): Promise<void> {
    await this.lines.cut([[from, to]]);
  }

  /** Neither hears anything of the other. */
  async cut(one: Place, other: Place): Promise<void> {
    await this.lines.cut([
      [one, other],
      [other, one],
    ]);
  }

  /** Nobody hears anything of that host, nor it of them: its line is cut, its processes run on. */
  async isolate(host: Place): Promise<void> {
    await this.lines.isolate(host);
  }

  /**
   * Switches a host off as by a power cut, and on again: the same files and address, the same cuts, and nothing of pgaf
   * runs.
   */
  async powerCycle(name: string): Promise<void> {
    const { machine } = this.host(name);
    await machine.powerCycle();
    await this.lines.renewed(machine);
  }

  /** Makes ready what cuts: a cut that comes later takes effect at once. */
  async prepareCuts(): Promise<void> {
    await this.lines.prepare();
  }

  /** Ends all cuts. What the peers of a connection do about it is theirs: TCP tries again ever more seldom. */
  async heal(): Promise<void> {
    await this.lines.heal();
  }

  /** Ends everything that runs on the hosts, and removes containers, volumes and network. */
  async remove(): Promise<void> {
    await removeRun(this.run);
  }

  private async volume(of: string): Promise<string> {
    const name = `${this.run}-${of}`;
    const { container } = await containerEngine();
    await container.dockerode.createVolume({ Name: name, Labels: labelsOf(this.run) });
    return name;
  }

  private addressOf(last: number): string {
    return `198.18.${this.number}.${last}`;
  }
}

/** The volumes of the image. */
function ownDirectories(name: string): Record<string, string> {
  return { '/var/lib/postgresql/data': `${name}-data`, '/var/lib/pgaf': `${name}-state` };
}
