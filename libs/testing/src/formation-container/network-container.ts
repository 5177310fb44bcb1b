import { GenericContainer } from 'testcontainers';

/**
 * A container on one network, under a name of its own there, and on no other: testcontainers would have one with an alias
 * on the engine's own network, too, and so reachable where it is cut off.
 */
export class NetworkContainer extends GenericContainer {
  onNetwork(network: string, alias: string): this {
    this.withNetworkMode(network);
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [network]: { Aliases: [alias] } } };
    return this.withHostname(alias);
  }
}
