import { onParentGone } from './ancestors.js';

/** Calls `end` with the exit status when a signal, or the end of whoever started this process, ends it. */
export function endWithSignals(end: (status: number) => void): void {
  for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 })) {
    process.on(signal, () => end(128 + number));
  }
  onParentGone(() => end(129));
}
