import { canTakeWrites } from '@pgaf/core/states';
import type { FormationView, NodeView } from '@pgaf/plugin-api';
import { proxyPortOf } from './pools.js';

/** Where a Postgres, or the pooler in front of it, is reached. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** A node that another one of its group has replaced, and that has not been heard of since. */
export interface ReplacedNode {
  readonly group: number;
  readonly node: NodeView;
  /** The other nodes of its group. */
  readonly others: readonly NodeView[];
}

/** In other groups than this one: their epoch was given to another node, which is not taken back. */
export function replacedNodes({ groups }: FormationView, ownGroup: number): readonly ReplacedNode[] {
  return groups
    .filter(({ group, restored }) => group !== ownGroup && !restored)
    .flatMap(({ group, leader, nodes }) =>
      nodes
        .filter(({ id, reported }) => leader !== null && id !== leader && canTakeWrites(reported))
        .map((node) => ({ group, node, others: nodes.filter(({ id }) => id !== node.id) })),
    );
}

/**
 * Where such nodes are. A host that is lost refuses connections, or answers nothing; one that is frozen goes on
 * acknowledging what is sent to it, so that who waits for an answer from there waits for as long as it is frozen.
 */
export function replacedPlaces(formation: FormationView, ownGroup: number): readonly Place[] {
  const leaders = formation.groups.flatMap(({ leader, nodes }) => nodes.filter(({ id }) => id === leader));
  const inUse = leaders.flatMap(placesOf);
  return replacedNodes(formation, ownGroup)
    .flatMap(({ node }) => placesOf(node))
    .filter((place) => !inUse.some(({ host, port }) => host === place.host && port === place.port));
}

function placesOf(node: NodeView): Place[] {
  const pooler = proxyPortOf(node);
  return [node.port, ...(pooler === null ? [] : [pooler])].map((port) => ({ host: node.host, port }));
}
