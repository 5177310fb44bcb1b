import type { Result } from './measurement.js';

export interface SystemMeasured {
  readonly id: string;
  readonly title: string;
  readonly version: string;
  readonly setup: string;
}

/** What a run of the bench leaves behind, as JSON. */
export interface Report {
  readonly measuredAt: string;
  readonly machine: {
    readonly processors: number;
    readonly processor: string;
    readonly memoryGB: number;
    readonly kernel: string;
    readonly node: string;
    readonly postgres: string;
    /** The version of the extension that this Postgres has; null without one. */
    readonly citus: string | null;
    /** Its load average of the last minute before anything was measured: what else runs there. */
    readonly loadBefore: number;
    /** Milliseconds that an empty process of Node took, before anything was measured and after each measurement. */
    readonly emptyProcess: readonly number[];
  };
  /** In the order of their columns; pgaf is first. */
  readonly systems: readonly SystemMeasured[];
  readonly leftOut: readonly { readonly title: string; readonly reason: string }[];
  readonly results: readonly Result[];
}

export const OURS = 'pgaf';
