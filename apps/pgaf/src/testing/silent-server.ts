import { createServer, type AddressInfo, type Server } from 'node:net';

/** Takes connections and says nothing. */
export class SilentServer {
  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(): Promise<SilentServer> {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new SilentServer(server, (server.address() as AddressInfo).port);
  }

  close(): void {
    this.server.close();
  }
}
