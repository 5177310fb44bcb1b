import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the probe listens on no port');
  return address.port;
}

/** Kept, so that none is closed before this process ends. */
const claims: Socket[] = [];

/**
 * Has the port for this process until it ends, however that is; false when another one, or this one, has it already. The
 * claim is the UDP port of the same number: nobody of ours uses it, and it is in no server's way.
 */
function claim(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
      socket.unref();
      claims.push(socket);
      resolve(true);
    });
  });
}

/**
 * Different TCP ports on 127.0.0.1 that nobody listened on a moment ago, and that no process is given as well while this
 * one lives. The kernel alone draws from some 7,000, and would give one to two tests before the first has a server on it.
 */
export async function freePorts(count: number): Promise<number[]> {
  const probes: Server[] = [];
  const ports: number[] = [];
  try {
    while (ports.length < count) {
      const probe = await listen();
      probes.push(probe);
      const port = portOf(probe);
      if (await claim(port)) ports.push(port);
    }
  } finally {
    await Promise.all(probes.map(close));
  }
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('one port was asked for');
  return port;
}
