import type { FormationPlan } from '@pgaf/plugin-api/test-formation';
import type { StartedTestContainer } from 'testcontainers';
import { until } from '../deadline.js';
import { describeStates, isStable, primaryOf, type NodeState } from './node-states.js';
import { readStates } from './read-states.js';
import type { StartedNode, Whereabouts } from './started-node.js';

const DEADLINE_MS = 60_000;
const EVERY_MS = 200;
const LOG_LINES = 30;

/** A formation that runs: its monitor, its nodes, and what a test asks of them. */
export class StartedFormation implements AsyncDisposable {
  constructor(
    private readonly plan: FormationPlan,
    private readonly monitor: StartedTestContainer,
    private readonly nodes: readonly StartedNode[],
    private readonly whereabouts: Whereabouts,
    private readonly removeNetwork: () => Promise<void>,
  ) {}

  getMonitor(): StartedTestContainer {
    return this.monitor;
  }

  /** In the order of the plan. */
  getNodes(): readonly StartedNode[] {
    return this.nodes;
  }

  /** @throws Error for a name that no node has. */
  getNode(name: string): StartedNode {
    const node = this.nodes.find((one) => one.getNodeName() === name);
    if (!node) throw new Error(`the formation has no node ${name}`);
    return node;
  }

  getDatabase(): string {
    return this.whereabouts.dbname;
  }

  getUsername(): string {
    return this.whereabouts.username;
  }

  getNetworkName(): string {
    return this.whereabouts.network;
  }

  /**
   * All nodes of a group, for clients of this machine that try several hosts as libpq does, and go to the one that takes
   * writes. For those that know one host: {@link getPrimaryConnectionUri}.
   */
  getConnectionUri(): string {
    return severalHosts(this.firstGroup().map((node) => node.getConnectionUri()));
  }

  /** The same for containers in the formation's network. */
  getNetworkConnectionUri(): string {
    return severalHosts(this.firstGroup().map((node) => node.getNetworkConnectionUri()));
  }

  /** Of the node that takes writes now, for clients of this machine. */
  async getPrimaryConnectionUri(group = 0): Promise<string> {
    return (await this.getPrimary(group)).getConnectionUri();
  }

  /** Who takes writes in a group; waited for while that changes. */
  async getPrimary(group = 0): Promise<StartedNode> {
    const primary = await this.waitUntil(`a primary of group ${group}`, DEADLINE_MS, (states) =>
      primaryOf(states, group),
    );
    return this.getNode(primary.name);
  }

  /** Who does not, whatever they do. */
  async getStandbys(group = 0): Promise<readonly StartedNode[]> {
    const primary = (await this.getPrimary(group)).getNodeName();
    const states = await this.getStates();
    return states
      .filter((node) => node.group === group && node.name !== primary)
      .map((node) => this.getNode(node.name));
  }

  /** As the monitor has them. */
  getStates(): Promise<readonly NodeState[]> {
    return readStates(this.monitor);
  }

  /** @throws Error with states and logs when the node has not said it by then. */
  async waitForState(node: string, state: string, deadlineMs = DEADLINE_MS): Promise<void> {
    this.getNode(node);
    await this.waitUntil(`${node} to be ${state}`, deadlineMs, (states) =>
      states.some((one) => one.name === node && one.reported === state && one.assigned === state),
    );
  }

  /** Until the monitor knows the node. */
  async waitUntilRegistered(node: string, deadlineMs = DEADLINE_MS): Promise<void> {
    await this.waitUntil(`${node} to register`, deadlineMs, (states) =>
      states.some(({ name }) => name === node),
    );
  }

  /** Until every group has its primary, and every other node is its standby. */
  async waitUntilStable(deadlineMs = DEADLINE_MS): Promise<void> {
    await this.waitUntil('a stable formation', deadlineMs, (states) => isStable(states, this.plan));
  }

  /** Has a standby of a group take over from the primary. */
  async switchover(group = 0): Promise<void> {
    const args = ['pgaf', 'perform', 'switchover', '--group', String(group)];
    const { exitCode, output } = await this.monitor.exec(args);
    if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}: ${output.trim()}`);
  }

  /** What to read when a test fails: the states, and the end of each log. */
  async describe(): Promise<string> {
    const states = await this.getStates().then(describeStates, String);
    const named = [{ name: 'monitor', container: this.monitor }];
    const all = [...named, ...this.nodes.map((node) => ({ name: node.getNodeName(), container: node }))];
    const logs = await Promise.all(
      all.map(async ({ name, container }) => `--- ${name}\n${await tailOf(container)}`),
    );
    return [states, ...logs].join('\n');
  }

  /** Ends it, and removes containers with their data, and its network. */
  async stop(): Promise<void> {
    await Promise.all([...this.nodes, this.monitor].map((container) => container.stop()));
    await this.removeNetwork();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private firstGroup(): readonly StartedNode[] {
    const [first] = this.plan.nodes;
    const named = new Set(
      this.plan.nodes.filter(({ group }) => group === first?.group).map(({ name }) => name),
    );
    return this.nodes.filter((node) => named.has(node.getNodeName()));
  }

  private waitUntil<T>(
    what: string,
    deadlineMs: number,
    probe: (states: readonly NodeState[]) => T | null | false,
  ): Promise<T> {
    const wait = { what, deadlineMs, everyMs: EVERY_MS, seen: () => this.describe() };
    return until(wait, async () => probe(await this.getStates()));
  }
}

function severalHosts(uris: readonly string[]): string {
  const parts = uris.map((uri) => /^(postgres:\/\/[^@]*@)([^/]*)(\/.*)$/.exec(uri) ?? []);
  const places = parts.map(([, , place]) => place).join(',');
  return `${parts[0]?.[1]}${places}${parts[0]?.[3]}?target_session_attrs=read-write`;
}

async function tailOf(container: StartedTestContainer): Promise<string> {
  try {
    const stream = await container.logs({ tail: LOG_LINES });
    const lines: string[] = [];
    const ended = new Promise<void>((resolve) => stream.once('end', resolve).once('close', resolve));
    stream.on('data', (chunk) => lines.push(String(chunk)));
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, 2000).unref());
    await Promise.race([ended, deadline]);
    stream.destroy();
    return lines.join('').trimEnd();
  } catch (error) {
    return `no logs: ${String(error)}`;
  }
}
