import { strongerManner, type StopManner } from '@pgaf/keeper/stop-manner';
import { watchParent } from '../parent-pipe.js';

const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, StopManner>>> = {
  // Node takes SIGUSR1 for its debugger.
  SIGUSR2: 'handOff',
  SIGTERM: 'orderly',
  SIGINT: 'quick',
  SIGQUIT: 'immediate',
};

export interface StopSignals {
  /** Aborted at the first request to stop. */
  readonly stopping: AbortSignal;
  /** The strongest that was asked for by now; null while nobody asked. */
  readonly manner: () => StopManner | null;
  /** Calls back on each request that is stronger than all before, and at once for one that was made already. */
  onStop(listener: (manner: StopManner) => void): void;
  onReload(listener: () => void): void;
  /** As if a signal of this manner had come. */
  stop(manner: StopManner): void;
  release(): void;
}

/** Listens to USR2, TERM, INT, QUIT, HUP, and to the end of the parent where that was asked for. */
export function stopSignals(env: Readonly<Record<string, string | undefined>>): StopSignals {
  const controller = new AbortController();
  const stopListeners: ((manner: StopManner) => void)[] = [];
  const reloadListeners: (() => void)[] = [];
  let current: StopManner | null = null;
  const stop = (manner: StopManner): void => {
    const stronger = strongerManner(current, manner);
    if (stronger === current) return;
    current = stronger;
    controller.abort();
    for (const listener of stopListeners) listener(stronger);
  };
  const handlers = new Map<NodeJS.Signals, () => void>();
  for (const [signal, manner] of Object.entries(SIGNALS)) {
    handlers.set(signal as NodeJS.Signals, () => stop(manner));
  }
  handlers.set('SIGHUP', () => reloadListeners.forEach((listener) => listener()));
  for (const [signal, handler] of handlers) process.on(signal, handler);
  // Whoever held us together is gone: nobody will restart us, and nobody reads a farewell.
  const parent = watchParent(env, () => stop('immediate'));
  return {
    stopping: controller.signal,
    manner: () => current,
    onStop(listener) {
      stopListeners.push(listener);
      if (current !== null) listener(current);
    },
    stop,
    onReload: (listener) => void reloadListeners.push(listener),
    release() {
      parent.stop();
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}
