import type { Formation } from '@pgaf/testing/formation';
import { expect } from 'vitest';

/** What `show timeline --json` prints, as far as tests look at it. */
export interface ShownTimeline {
  readonly history: readonly {
    readonly epoch: number;
    readonly tli: number;
    readonly parent_tli: number | null;
  }[];
  readonly nodes: readonly {
    readonly node_name: string;
    readonly tli: number;
    readonly on_accepted_lineage: boolean;
  }[];
}

export async function shownTimeline(formation: Formation): Promise<ShownTimeline> {
  const { status, stdout, stderr } = await formation.onMonitor(['show', 'timeline', '--json']);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as ShownTimeline;
}
