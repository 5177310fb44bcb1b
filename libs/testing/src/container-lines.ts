import { GenericContainer, type StartedTestContainer } from 'testcontainers';
import { containerEngine } from './container-engine.js';
import type { MachineContainer } from './machine-container.js';
import type { Place } from './network.js';
import { labelsOf } from './owner-labels.js';
import { toolsImage } from './tools-image.js';

/** What is cut, seen from one host. */
export interface Cuts {
  /** Addresses that it hears nothing of. */
  readonly senders: Set<string>;
  /** Addresses that hear nothing of it. */
  readonly receivers: Set<string>;
  /** From everybody but itself. */
  isIsolated: boolean;
}

const noCuts = (): Cuts => ({ senders: new Set(), receivers: new Set(), isIsolated: false });

/** A file for nft(8) that puts exactly these cuts into force in a host, in the place of those that were, at once. */
export function cutRules({ senders, receivers, isIsolated }: Cuts): string {
  const chain = (hook: string, rules: readonly string[]) => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority 0; policy accept;`,
    ...rules.map((rule) => `    ${rule} drop`),
    '  }',
  ];
  return [
    'table ip pgaf',
    'delete table ip pgaf',
    'table ip pgaf {',
    ...chain('input', [
      ...(isIsolated ? ['iifname != "lo"'] : []),
      ...[...senders].map((address) => `ip saddr ${address}`),
    ]),
    ...chain('output', [
      ...(isIsolated ? ['oifname != "lo"'] : []),
      ...[...receivers].map((address) => `ip daddr ${address}`),
    ]),
    '}',
    '',
  ].join('\n');
}

/**
 * The lines between the hosts of one run. The hosts have no right to filter, so each one that is cut gets a container
 * with the tools beside it, in the same network namespace. On a line a packet is dropped where it arrives, or where it
 * leaves when the receiver is no container; what isolates a host is in that host alone, so it is one act.
 */
export class ContainerLines {
  private readonly machines = new Map<string, MachineContainer>();
  private readonly cuts = new Map<MachineContainer, Cuts>();
  private readonly tools = new Map<MachineContainer, StartedTestContainer>();

  constructor(private readonly run: string) {}

  add(machine: MachineContainer): void {
    this.machines.set(machine.address, machine);
  }

  async cut(lines: readonly (readonly [from: Place, to: Place])[]): Promise<void> {
    const touched = new Set<MachineContainer>();
    for (const [from, to] of lines) {
      const receiver = this.machines.get(to.address);
      const sender = this.machines.get(from.address);
      if (receiver) this.cutsOf(receiver).senders.add(from.address);
      else if (sender) this.cutsOf(sender).receivers.add(to.address);
      const machine = receiver ?? sender;
      if (machine) touched.add(machine);
    }
    await Promise.all([...touched].map((machine) => this.apply(machine)));
  }

  /** Both ways from everybody else, at once. */
  async isolate({ address }: Place): Promise<void> {
    const machine = this.machines.get(address);
    if (!machine) throw new Error(`no container has the address ${address}`);
    this.cutsOf(machine).isIsolated = true;
    await this.apply(machine);
  }

  /** Puts the cuts into force anew on a machine that has another network namespace: the tools are in the earlier one. */
  async renewed(machine: MachineContainer): Promise<void> {
    const tools = this.tools.get(machine);
    if (tools) {
      this.tools.delete(machine);
      const { container } = await containerEngine();
      await container.getById(tools.getId()).remove({ force: true, v: true });
      await this.apply(machine);
    }
  }

  async heal(): Promise<void> {
    const touched = [...this.cuts.keys()];
    this.cuts.clear();
    await Promise.all(touched.map((machine) => this.apply(machine)));
  }

  async prepare(): Promise<void> {
    await Promise.all([...this.machines.values()].map((machine) => this.toolsOf(machine)));
  }

  private cutsOf(machine: MachineContainer): Cuts {
    const cuts = this.cuts.get(machine) ?? noCuts();
    this.cuts.set(machine, cuts);
    return cuts;
  }

  private async apply(machine: MachineContainer): Promise<void> {
    const tools = await this.toolsOf(machine);
    const rules = cutRules(this.cuts.get(machine) ?? noCuts());
    const { exitCode, output } = await tools.exec(['sh', '-c', 'printf %s "$1" | nft -f -', 'sh', rules]);
    if (exitCode !== 0) throw new Error(`nft on ${machine.name} ended with ${exitCode}: ${output}`);
  }

  private async toolsOf(machine: MachineContainer): Promise<StartedTestContainer> {
    const there = this.tools.get(machine);
    if (there) return there;
    const made = await new GenericContainer(await toolsImage())
      .withName(`${machine.run}-${machine.name}-tools`)
      .withLabels(labelsOf(this.run))
      .withAutoCleanup(false)
      .withNetworkMode(`container:${machine.id}`)
      .withAddedCapabilities('NET_ADMIN')
      .withCommand(['sleep', 'infinity'])
      .start();
    this.tools.set(machine, made);
    return made;
  }
}
