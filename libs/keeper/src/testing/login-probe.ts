import { connect } from 'node:net';
import type { Milliseconds } from '@pgaf/core/durations';
import type { ProbeAnswer } from '../tcp-probe.js';

/** The message of a client that asks for TLS, which a backend answers by one byte before it asks who is there. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** As `probe`, and `open` takes a Postgres that answers: the kernel accepts connections for one that is frozen. */
export function probeLogin(host: string, port: number, timeout: Milliseconds): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: ProbeAnswer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeout, () => setImmediate(() => end('silent')));
    socket.once('connect', () => socket.write(SSL_REQUEST));
    socket.once('data', () => end('open'));
    socket.once('end', () => end('silent'));
    socket.once('error', (error) =>
      end('code' in error && error.code === 'ECONNREFUSED' ? 'refused' : 'silent'),
    );
  });
}
