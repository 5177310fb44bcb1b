import { connect, type Socket } from 'node:net';
import type { Milliseconds } from '@pgaf/core/durations';
import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { whoServes } from '@pgaf/core/testing/who-serves';
import { childrenOf } from '../children.js';
import { until } from '../until.js';

const WITHIN: Milliseconds = 10_000;
const FOUND_WITHIN: Milliseconds = 1000;

export interface TurnedAway {
  /** Lets its process end, and with it the postmaster. */
  readonly release: () => void;
}

/** A client that says nothing to a Postgres which stops, its process frozen before it is ended for that. */
export async function freezeTurnedAway(postmaster: number, port: number): Promise<TurnedAway> {
  const deadline = performance.now() + WITHIN;
  for (;;) {
    const client = connect(port, '127.0.0.1').on('error', () => {});
    try {
      const pid = await serverOf(client, postmaster);
      await freezeAtRest(pid);
      return {
        release: () => {
          process.kill(pid, 'SIGCONT');
          client.destroy();
        },
      };
    } catch (error) {
      client.destroy();
      if (performance.now() > deadline) throw error;
    }
  }
}

function serverOf(client: Socket, postmaster: number): Promise<number> {
  const children = () => childrenOf(postmaster).map(({ pid }) => pid);
  return until(() => whoServes(client, children()), {
    everyMs: 5,
    signal: AbortSignal.timeout(FOUND_WITHIN),
  });
}
