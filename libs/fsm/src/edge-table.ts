import type { State } from '@pgaf/core/states';
import type { EdgePatch, KeeperEdge } from '@pgaf/plugin-api/edges';
import { BASE_EDGES } from './base-edges.js';

/** The keeper's edges, by `edgeKey`. */
export type EdgeTable = ReadonlyMap<string, KeeperEdge>;

export function edgeKey(from: State, to: State): string {
  return `${from}->${to}`;
}

export function baseEdgeTable(): EdgeTable {
  const table = new Map<string, KeeperEdge>();
  for (const edge of BASE_EDGES) {
    const key = edgeKey(edge.from, edge.to);
    if (table.has(key)) throw new RangeError(`two edges lead ${key}`);
    table.set(key, edge);
  }
  return table;
}

export function findEdge(table: EdgeTable, from: State, to: State): KeeperEdge | undefined {
  return table.get(edgeKey(from, to));
}

/**
 * The table with a plugin's steps for one role.
 * @throws RangeError when a patch names an edge that is not there and does not bring it whole.
 */
export function spliceEdges(base: EdgeTable, patches: readonly EdgePatch[], role: string): EdgeTable {
  const table = new Map(base);
  for (const patch of patches) {
    if (patch.roles && !patch.roles.includes(role)) continue;
    const key = edgeKey(patch.from, patch.to);
    const steps = table.get(key)?.steps;
    if (!steps && (patch.place !== 'instead' || patch.of))
      throw new RangeError(`there is no edge ${key} to patch`);
    table.set(key, { from: patch.from, to: patch.to, steps: placed(patch, steps ?? []) });
  }
  return table;
}

function placed(patch: EdgePatch, steps: KeeperEdge['steps']): KeeperEdge['steps'] {
  if (patch.of !== undefined) {
    const at = steps.findIndex((step) => step.do === patch.of);
    if (at < 0) throw new RangeError(`the edge ${edgeKey(patch.from, patch.to)} has no step ${patch.of}`);
    const { of: _, ...whole } = patch;
    return [...steps.slice(0, at), ...placed(whole, steps.slice(at, at + 1)), ...steps.slice(at + 1)];
  }
  switch (patch.place) {
    case 'before':
      return [...patch.steps, ...steps];
    case 'after':
      return [...steps, ...patch.steps];
    case 'instead':
      return patch.steps;
  }
}
