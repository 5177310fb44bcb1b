import { connect } from 'node:net';
import type { Milliseconds } from '@pgaf/core/durations';

/**
 * What a host answers to a TCP connection: `refused` is an answer of the host itself, which a silent one
 * cannot give; `open` is a listener; everything else is `silent`.
 */
export type ProbeAnswer = 'open' | 'refused' | 'silent';

export function probe(host: string, port: number, timeout: Milliseconds): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: ProbeAnswer): void => {
      socket.destroy();
      resolve(answer);
    };
    // Timers come first when this process was held up; an answer that lies there ready is read before that.
    socket.setTimeout(timeout, () => setImmediate(() => end('silent')));
    socket.once('connect', () => end('open'));
    socket.once('error', (error) =>
      end('code' in error && error.code === 'ECONNREFUSED' ? 'refused' : 'silent'),
    );
  });
}
