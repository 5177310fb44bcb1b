import { existsSync } from 'node:fs';
import { entering, ownName, removeNamespaces, runTool, sweepNamespaces } from './network-namespace.js';
import { lineRules, type Lines } from './line-rules.js';
import type { Location } from './process-host.js';

/** Somebody with an address in the network: a host, or the test itself. */
export interface Place {
  readonly address: string;
}

/** RFC 2544 sets 198.18.0.0/15 aside for tests of networks; a network is a /24 of its second half. */
const MOST_NETWORKS = 256;
const TEST_ITSELF = 254;

/**
 * Hosts with network namespaces of their own on one switch, which is a bridge in a namespace of its own, and the
 * test itself on the same switch. What goes from one to another can be cut off, each way, lost and delayed. Needs
 * root, iproute2, util-linux and nftables. Everything that it makes is named after the process that made it, or
 * goes away together with something that is.
 */
export class Network {
  /** The test itself: its clients connect from here. */
  readonly test: Place;
  private readonly hosts = new Map<string, Place>();
  private readonly lines: Lines = { cut: new Set(), losing: new Map() };
  private isTestPluggedIn = false;

  private constructor(private readonly number: number) {
    this.test = { address: this.addressOf(TEST_ITSELF) };
  }

  /** Removes what dead processes left, and makes a switch with the test itself on it. */
  static async make(): Promise<Network> {
    await sweepNamespaces();
    for (let number = 0; number < MOST_NETWORKS; number++) {
      const network = new Network(number);
      if (network.isNumberTaken()) continue;
      try {
        if (network.build()) return network;
      } catch (error) {
        await network.remove();
        throw error;
      }
      await network.remove();
    }
    throw new Error(`${MOST_NETWORKS} networks of tests are here already: see ip netns list`);
  }

  /** A new host on the switch: what to call it by, and how to run something there. */
  addHost(name: string): Location {
    if (this.hosts.has(name)) throw new Error(`the network has a host ${name} already`);
    const address = this.addressOf(this.hosts.size + 1);
    const namespace = this.namespaceOf(name);
    this.hosts.set(name, { address });
    this.addNamespace(namespace);
    this.plugIn(`line${this.hosts.size}`, ['name', 'eth0', 'netns', namespace]);
    this.giveAddress(address, 'eth0', namespace);
    return { address, enter: entering(namespace) };
  }

  /** From now on nothing arrives of what the first one sends to the second one. */
  cutOneWay(from: Place, to: Place): void {
    this.lines.cut.add(`${from.address} ${to.address}`);
    this.apply();
  }

  /** Neither hears anything of the other. */
  cut(one: Place, other: Place): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** Nobody hears anything of that host, nor it of them: its line is cut, its processes run on. */
  isolate(host: Place): void {
    for (const other of [this.test, ...this.hosts.values()]) {
      if (other.address === host.address) continue;
      this.lines.cut.add(`${host.address} ${other.address}`).add(`${other.address} ${host.address}`);
    }
    this.apply();
  }

  /** @param percent How much of what the first one sends to the second one gets lost, by chance; 0 ends it. */
  lose(from: Place, to: Place, percent: number): void {
    this.lines.losing.set(`${from.address} ${to.address}`, percent);
    this.apply();
  }

  /**
   * @param milliseconds How much later what the host sends arrives; 0 ends it.
   * @throws Error where the kernel has no netem; see `whyNoDelay`.
   */
  delay(name: string, milliseconds: number): void {
    const device = ['dev', 'eth0', 'root', 'netem', 'delay', `${milliseconds}ms`];
    runTool(['tc', '-n', this.namespaceOf(name), 'qdisc', 'replace', ...device]);
  }

  /** Ends all cuts and losses. What the peers of a connection do about it is theirs: TCP tries again ever more seldom. */
  heal(): void {
    this.lines.cut.clear();
    this.lines.losing.clear();
    this.apply();
  }

  /** Ends what still runs on the hosts, and removes everything. */
  async remove(): Promise<void> {
    // It goes with the other end, too, but some time later.
    if (this.isTestPluggedIn) runTool(['ip', 'link', 'delete', this.testInterface]);
    this.isTestPluggedIn = false;
    await removeNamespaces([...[...this.hosts.keys()].map((name) => this.namespaceOf(name)), this.switch]);
  }

  /** The name of the test's own interface says so. */
  private isNumberTaken(): boolean {
    return existsSync(`/sys/class/net/${this.testInterface}`);
  }

  /** @returns false when somebody else was quicker to take the number */
  private build(): boolean {
    this.addNamespace(this.switch);
    runTool(['ip', '-n', this.switch, 'link', 'add', 'bridge', 'type', 'bridge']);
    runTool(['ip', '-n', this.switch, 'link', 'set', 'bridge', 'up']);
    const own = this.testInterface;
    try {
      runTool(['ip', 'link', 'add', own, 'type', 'veth', 'peer', 'name', 'test', 'netns', this.switch]);
    } catch (error) {
      if (String(error).includes('File exists')) return false;
      throw error;
    }
    this.isTestPluggedIn = true;
    this.join('test');
    runTool(['ip', 'address', 'add', `${this.test.address}/24`, 'dev', own]);
    runTool(['ip', 'link', 'set', own, 'up']);
    this.apply();
    return true;
  }

  private addNamespace(namespace: string): void {
    runTool(['ip', 'netns', 'add', namespace]);
    runTool(['ip', '-n', namespace, 'link', 'set', 'lo', 'up']);
  }

  private plugIn(line: string, otherEnd: readonly string[]): void {
    runTool(['ip', '-n', this.switch, 'link', 'add', line, 'type', 'veth', 'peer', ...otherEnd]);
    this.join(line);
  }

  private join(line: string): void {
    runTool(['ip', '-n', this.switch, 'link', 'set', line, 'master', 'bridge', 'up']);
  }

  private giveAddress(address: string, device: string, namespace: string): void {
    runTool(['ip', '-n', namespace, 'address', 'add', `${address}/24`, 'dev', device]);
    runTool(['ip', '-n', namespace, 'link', 'set', device, 'up']);
  }

  private apply(): void {
    runTool([...entering(this.switch), 'nft', '-f', '-'], lineRules(this.lines));
  }

  private get testInterface(): string {
    return `pgaf-net${this.number}`;
  }

  private get switch(): string {
    return ownName(`${this.number}-switch`);
  }

  private namespaceOf(name: string): string {
    return ownName(`${this.number}-${name}`);
  }

  private addressOf(last: number): string {
    return `198.19.${this.number}.${last}`;
  }
}
