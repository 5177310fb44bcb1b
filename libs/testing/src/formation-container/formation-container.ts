import { freePorts } from '@pgaf/core/testing/free-ports';
import type { FormationPlan, PlannedNode } from '@pgaf/plugin-api/test-formation';
import {
  getContainerRuntimeClient,
  getReaper,
  LABEL_TESTCONTAINERS_SESSION_ID,
  randomUuid,
  Wait,
  type StartedNetwork,
  type StartedTestContainer,
} from 'testcontainers';
import { NetworkContainer } from './network-container.js';
import { MONITOR, monitorIni, NODE_FILE, nodeIni, POSTGRES_PORT } from './node-ini.js';
import { requireImage } from './require-image.js';
import { StartedFormation } from './started-formation.js';
import { StartedNode } from './started-node.js';

export type { FormationPlan, PlannedNode } from '@pgaf/plugin-api/test-formation';
export type { NodeState } from './node-states.js';
export { StartedFormation } from './started-formation.js';
export { StartedNode } from './started-node.js';

const STARTUP_TIMEOUT_MS = 180_000;
/** Each node runs `pgaf node run`; the images make it a superuser who needs no password. */
const USERNAME = 'postgres';
const EVERYBODY_READS = 0o644;

/**
 * A formation in containers for a test: its monitor and its nodes, each in a container of its own.
 *
 * `await using formation = await new FormationContainer(pgsql({ nodes: 3 })).start();`
 */
export class FormationContainer {
  private image: string;
  private startupTimeoutMs = STARTUP_TIMEOUT_MS;
  private labels: Readonly<Record<string, string>> = {};
  private environment: Readonly<Record<string, string>> = {};
  private network: StartedNetwork | undefined;

  /** @param plan Such as `pgsql({ nodes: 3 })` of `@pgaf/plugin-pgsql/testing`. */
  constructor(private readonly plan: FormationPlan) {
    this.image = plan.image;
  }

  /** Instead of the plan's; `npm run images` of pgaf builds them. */
  withImage(image: string): this {
    this.image = image;
    return this;
  }

  /** Until the formation is stable; 3 minutes unless told. */
  withStartupTimeout(milliseconds: number): this {
    this.startupTimeoutMs = milliseconds;
    return this;
  }

  /** For everything that is made in the engine. */
  withLabels(labels: Readonly<Record<string, string>>): this {
    this.labels = { ...this.labels, ...labels };
    return this;
  }

  /** For every node and the monitor. */
  withEnvironment(environment: Readonly<Record<string, string>>): this {
    this.environment = { ...this.environment, ...environment };
    return this;
  }

  /** Where an application's container is; it is not removed with the formation. A network of its own unless told. */
  withNetwork(network: StartedNetwork): this {
    this.network = network;
    return this;
  }

  /**
   * @throws Error with states and logs when it is not stable in time, or with what builds the image that is missing; nothing
   *   of it is left then.
   */
  async start(): Promise<StartedFormation> {
    await requireImage(this.image);
    const deadline = performance.now() + this.startupTimeoutMs;
    const left = () => Math.max(deadline - performance.now(), 0);
    const network = this.network?.getName() ?? (await this.makeNetwork());
    const removeNetwork = async () => {
      if (this.network) return;
      await (await getContainerRuntimeClient()).network.getById(network).remove();
    };
    const started: StartedTestContainer[] = [];
    try {
      const monitor = await this.startMonitor(network);
      started.push(monitor);
      const whereabouts = { network, dbname: this.plan.dbname, username: USERNAME };
      const ports = await freePorts(this.plan.nodes.length);
      const nodes: StartedNode[] = [];
      const formation = new StartedFormation(this.plan, monitor, nodes, whereabouts, removeNetwork);
      // In turn, since the first one of a group becomes its primary.
      for (const [index, planned] of this.plan.nodes.entries()) {
        const container = await this.startNode(network, planned, ports[index] ?? 0);
        started.push(container);
        nodes.push(new StartedNode(container, planned, whereabouts));
        await formation.waitUntilRegistered(planned.name, left());
      }
      await formation.waitUntilStable(left());
      return formation;
    } catch (error) {
      await Promise.allSettled(started.map((container) => container.stop()));
      await removeNetwork().catch(() => undefined);
      throw error;
    }
  }

  private async makeNetwork(): Promise<string> {
    const client = await getContainerRuntimeClient();
    const { sessionId } = await getReaper(client);
    const name = randomUuid();
    const Labels = { ...this.labels, [LABEL_TESTCONTAINERS_SESSION_ID]: sessionId };
    await client.network.create({ Name: name, Driver: 'bridge', Labels });
    return name;
  }

  private startMonitor(network: string): Promise<StartedTestContainer> {
    return this.container(network, MONITOR, monitorIni(this.plan))
      .withWaitStrategy(Wait.forSuccessfulCommand('pgaf ready'))
      .withStartupTimeout(this.startupTimeoutMs)
      .start();
  }

  private startNode(network: string, node: PlannedNode, port: number): Promise<StartedTestContainer> {
    return (
      this.container(network, node.name, nodeIni(this.plan, node))
        // One that the engine chooses would be another one after each stop.
        .withExposedPorts({ container: POSTGRES_PORT, host: port })
        .withWaitStrategy(Wait.forLogMessage(/./))
        .withStartupTimeout(this.startupTimeoutMs)
        .start()
    );
  }

  private container(network: string, name: string, ini: string): NetworkContainer {
    return new NetworkContainer(this.image)
      .withLabels({ ...this.labels })
      .withEnvironment({ ...this.environment })
      .withCopyContentToContainer([{ content: ini, target: NODE_FILE, mode: EVERYBODY_READS }])
      .onNetwork(network, name);
  }
}
