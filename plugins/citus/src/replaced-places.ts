import { canTakeWrites } from '@pgaf/core/states';
import type { FormationView, NodeView } from '@pgaf/plugin-api';
import { proxyPortOf } from './pools.js';

/** Where a Postgres, or the pooler in front of it, is reached. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * Where nodes are that another one has replaced, and that have not been heard of since, in other groups than this one. A
 * host that is lost refuses connections, or answers nothing; one that is frozen goes on acknowledging what is sent to it,
 * so that who waits for an answer from there waits for as long as it is frozen.
 */
export function replacedPlaces({ groups }: FormationView, ownGroup: number): readonly Place[] {
  const leaders = groups.flatMap(({ leader, nodes }) => nodes.filter(({ id }) => id === leader));
  const inUse = leaders.flatMap(placesOf);
  return groups
    .filter(({ group, restored }) => group !== ownGroup && !restored)
    .flatMap(({ leader, nodes }) =>
      leader === null ? [] : nodes.filter(({ id, reported }) => id !== leader && canTakeWrites(reported)),
    )
    .flatMap(placesOf)
    .filter((place) => !inUse.some(({ host, port }) => host === place.host && port === place.port));
}

function placesOf(node: NodeView): Place[] {
  const pooler = proxyPortOf(node);
  return [node.port, ...(pooler === null ? [] : [pooler])].map((port) => ({ host: node.host, port }));
}
