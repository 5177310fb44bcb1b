import { Network } from './network.js';

function reasonOf(error: unknown): string {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return stderr || (error instanceof Error ? error.message : String(error));
}

async function failureOf(attempt: (network: Network) => void): Promise<string | null> {
  try {
    const network = await Network.make();
    try {
      attempt(network);
    } finally {
      await network.remove();
    }
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Why no `Network` can be made here: who is not root, a program or a right is missing; null where it can. */
export function whyNoNetwork(): Promise<string | null> {
  return failureOf((network) => network.addHost('probe'));
}

/** Why nothing can be delayed in a network here: the kernel has no netem, or there is no network; null where it can. */
export function whyNoDelay(): Promise<string | null> {
  return failureOf((network) => {
    network.addHost('probe');
    network.delay('probe', 1);
  });
}
