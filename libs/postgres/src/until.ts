import { setTimeout as sleep } from 'node:timers/promises';

export interface Polling {
  /** Pause between two probes, milliseconds. */
  readonly everyMs: number;
  /** Ends the wait; its reason is what the wait rejects with. */
  readonly signal?: AbortSignal | undefined;
}

/** What `work` gives, or the signal's reason as soon as it aborts; `work` itself goes on, its end unheard. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Probes until the answer is not undefined. How long that may take is the caller's to say, by `signal`. */
export async function until<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  { everyMs, signal }: Polling,
): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const answer = await orAborted(Promise.resolve(probe()), signal);
    if (answer !== undefined) return answer;
    await sleep(everyMs);
  }
}
