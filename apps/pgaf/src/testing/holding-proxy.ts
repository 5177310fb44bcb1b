import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Held {
  readonly upstream: Socket;
  /** What the client sent since, its end included. */
  readonly deliver: (() => void)[];
}

/** Stands between clients and a server, and lets what one client sends arrive late: also after that client is gone. */
export class HoldingProxy {
  readonly #sockets = new Set<Socket>();
  #wanted: string | null = null;
  #held: Held | null = null;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(serverPort: number): Promise<HoldingProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new HoldingProxy(server, (server.address() as AddressInfo).port);
    server.on('connection', (client) => proxy.#forward(client, connect(serverPort, '127.0.0.1')));
    return proxy;
  }

  /** The next connection over which a client sends this text loses nothing, but nothing of that arrives from there on. */
  holdNext(text: string): void {
    this.#wanted = text;
  }

  get isHolding(): boolean {
    return this.#held !== null;
  }

  /** What was held arrives; resolves when the server has said something to it, or has ended the connection. */
  async release(): Promise<void> {
    const held = this.#held;
    if (!held) throw new Error('nothing is held');
    this.#held = null;
    const answered = new Promise<void>((resolve) => {
      held.upstream.once('data', () => resolve());
      held.upstream.once('close', () => resolve());
    });
    for (const deliver of held.deliver) deliver();
    await answered;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }

  #forward(client: Socket, upstream: Socket): void {
    let held: Held | null = null;
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    }
    const send = (deliver: () => void): void => {
      // Released: what comes later is not late.
      if (held && held === this.#held) held.deliver.push(deliver);
      else deliver();
    };
    client.on('data', (bytes) => {
      if (this.#wanted !== null && bytes.includes(this.#wanted)) {
        this.#wanted = null;
        this.#held = held = { upstream, deliver: [] };
      }
      send(() => upstream.write(bytes));
    });
    client.on('close', () => send(() => upstream.end()));
    upstream.on('data', (bytes) => client.write(bytes));
    upstream.on('close', () => client.destroy());
  }
}
