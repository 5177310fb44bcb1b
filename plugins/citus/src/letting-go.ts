import type { Json } from '@pgaf/core/json';
import { canTakeWrites } from '@pgaf/core/states';
import type { FormationView, NodeView } from '@pgaf/plugin-api';
import { coordinatorOf } from './said.js';

/** The last node of a group says this with a token of its choice: it stops as soon as Citus has let the group go. */
export const LETS_GO_FOR = 'letsGoFor';
/** The coordinator’s answers. */
export const LET_GO = 'letGo';

/** A group whose last node is to be dropped, and still runs. */
export interface LeavingGroup {
  readonly group: number;
  readonly node: NodeView;
  readonly token: string;
}

export function leavingGroups({ groups }: Pick<FormationView, 'groups'>): readonly LeavingGroup[] {
  return groups.flatMap(({ group, leader, nodes }) => {
    const node = nodes.find(({ id }) => id === leader);
    const token = node?.said?.[LETS_GO_FOR];
    if (!node || typeof token !== 'string') return [];
    return node.goal === 'dropped' && canTakeWrites(node.reported) ? [{ group, node, token }] : [];
  });
}

/** `gone` from `pg_dist_node`, or why not: one sentence without its end. */
export type LettingGo = { readonly tag: 'gone' } | { readonly tag: 'stays'; readonly reason: string };

/** One answer, as it is said. */
export function answerTo(token: string, answer: LettingGo): Json {
  return answer.tag === 'gone' ? { token } : { token, reason: answer.reason };
}

/** What the coordinator answered to this token; null while it has not. */
export function answerFor(formation: FormationView, token: string): LettingGo | null {
  const said = coordinatorOf(formation)?.said?.[LET_GO];
  if (!Array.isArray(said)) return null;
  for (const one of said) {
    if (typeof one !== 'object' || one === null || Array.isArray(one) || one['token'] !== token) continue;
    return typeof one['reason'] === 'string' ? { tag: 'stays', reason: one['reason'] } : { tag: 'gone' };
  }
  return null;
}
