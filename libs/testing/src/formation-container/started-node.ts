import type { PlannedNode } from '@pgaf/plugin-api/test-formation';
import {
  AbstractStartedContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
} from 'testcontainers';
import { POSTGRES_PORT } from './node-ini.js';

/** Where a node is, for those who connect to it. */
export interface Whereabouts {
  readonly network: string;
  readonly dbname: string;
  readonly username: string;
}

/** In seconds: a primary hands over first, then Postgres stops cleanly. */
const GRACE = 30;

/** A node of a formation: its container, and what can happen to it. */
export class StartedNode extends AbstractStartedContainer {
  constructor(
    container: StartedTestContainer,
    private readonly plan: PlannedNode,
    private readonly whereabouts: Whereabouts,
  ) {
    super(container);
  }

  getNodeName(): string {
    return this.plan.name;
  }

  /** Such as `postgres`: the word after `pgaf create`. */
  getRole(): string {
    return this.plan.role;
  }

  /** Of its Postgres, for clients of this machine; it stays the same for as long as the node is there. */
  getPort(): number {
    return this.getMappedPort(POSTGRES_PORT);
  }

  /** Of this node alone, for clients of this machine. */
  getConnectionUri(): string {
    return this.uriTo(`${this.getHost()}:${this.getPort()}`);
  }

  /** Of this node alone, for containers in the formation's network. */
  getNetworkConnectionUri(): string {
    return this.uriTo(`${this.getNodeName()}:${POSTGRES_PORT}`);
  }

  /** A planned stop, after which the node is there and does not run: a primary hands over. */
  async shutDown(): Promise<void> {
    await (await this.engineContainer()).stop({ t: GRACE });
  }

  /** Every process of the node is killed. */
  async kill(): Promise<void> {
    await (await this.engineContainer()).kill();
  }

  /** The same node again, after {@link shutDown} or {@link kill}. */
  async boot(): Promise<void> {
    await (await this.engineContainer()).start();
  }

  /** Every process of the node stands still. */
  async pause(): Promise<void> {
    await (await this.engineContainer()).pause();
  }

  async unpause(): Promise<void> {
    await (await this.engineContainer()).unpause();
  }

  /** Its network cable is pulled: nobody reaches the node, its processes run on. */
  async disconnect(): Promise<void> {
    await (await this.engineNetwork()).disconnect({ Container: this.getId(), Force: true });
  }

  /** Under the same name; at another address where its own was given away meanwhile. */
  async reconnect(): Promise<void> {
    const EndpointConfig = { Aliases: [this.getNodeName()] };
    await (await this.engineNetwork()).connect({ Container: this.getId(), EndpointConfig });
  }

  private uriTo(place: string): string {
    const { username, dbname } = this.whereabouts;
    return `postgres://${encodeURIComponent(username)}@${place}/${encodeURIComponent(dbname)}`;
  }

  private async engineContainer() {
    return (await getContainerRuntimeClient()).container.getById(this.getId());
  }

  private async engineNetwork() {
    return (await getContainerRuntimeClient()).network.getById(this.whereabouts.network);
  }
}
