import type { Json } from '@pgaf/core/json';
import { canTakeWrites, handsOver } from '@pgaf/core/states';
import type { FormationView, NodeView } from '@pgaf/plugin-api';
import { coordinatorOf } from './said.js';

/** A primary of workers says this with a token of its choice: it stops as soon as queries are held up for it. */
export const PAUSE_FOR = 'pauseFor';
/** The coordinator’s answer. */
export const PAUSE = 'pause';

/** A group whose primary waits for the coordinator to hold up what it would send there. */
export interface PauseRequest {
  readonly group: number;
  /** The primary that is about to stop, by its id. */
  readonly leader: number;
  readonly token: string;
  /** What does not let the pause begin may be ended. */
  readonly forced: boolean;
}

export type PauseAnswer =
  | { readonly tag: 'held' }
  /** The pause cannot be had, one sentence without its end. */
  | { readonly tag: 'refused'; readonly reason: string };

/** The groups that ask; one is switched over at a time. */
export function pausesRequested(formation: FormationView): PauseRequest[] {
  return formation.groups.flatMap(({ group, leader, nodes, restored }) => {
    const node = nodes.find(({ id }) => id === leader);
    const asked = node && wordOf(node);
    if (restored || !node || !asked || !isAboutToStop(node)) return [];
    return [{ group, leader: node.id, ...asked }];
  });
}

/** The word that asks, as it is said. */
export function askFor({ token, forced }: Pick<PauseRequest, 'token' | 'forced'>): Json {
  return forced ? { token, forced } : token;
}

/** A word of a plugin of another version may have another shape, and asks for nothing. */
function wordOf({ said }: NodeView): Pick<PauseRequest, 'token' | 'forced'> | null {
  const word = said?.[PAUSE_FOR];
  if (typeof word === 'string') return { token: word, forced: false };
  if (typeof word !== 'object' || word === null || Array.isArray(word)) return null;
  const { token, forced } = word;
  return typeof token === 'string' ? { token, forced: forced === true } : null;
}

/** What the coordinator answered to this token; null while it has not. */
export function pauseAnswer(formation: FormationView, token: string): PauseAnswer | null {
  const said = coordinatorOf(formation)?.said?.[PAUSE];
  if (typeof said !== 'object' || said === null || Array.isArray(said) || said['token'] !== token)
    return null;
  return typeof said['refused'] === 'string' ? { tag: 'refused', reason: said['refused'] } : { tag: 'held' };
}

/** What becomes of a pause, as the formation shows it. */
export type PauseEnd =
  /** The switchover goes on, and its primary may have asked again. */
  | {
      readonly tag: 'goes on';
      readonly token: string;
      /** The old primary takes no writes any more, as far as it is known. */
      readonly stopped: boolean;
    }
  /** The group has its new primary: queries go there. */
  | { readonly tag: 'moved'; readonly primary: NodeView }
  /** The old primary goes on. */
  | { readonly tag: 'given up' };

export function pauseEnd({ group, leader, token }: PauseRequest, formation: FormationView): PauseEnd {
  const found = formation.groups.find((one) => one.group === group);
  const primary = found?.nodes.find(({ id }) => id === found.leader);
  const old = found?.nodes.find(({ id }) => id === leader);
  const stopped = old === undefined || !canTakeWrites(old.reported);
  // What a monitor knows from a backup is no news.
  if (found?.restored) return { tag: 'goes on', token, stopped };
  if (!primary) return { tag: 'given up' };
  if (primary.id === leader) {
    if (canTakeWrites(primary.goal)) return { tag: 'given up' };
    return { tag: 'goes on', token: tokenOf(primary) ?? token, stopped };
  }
  return canTakeWrites(primary.reported) ? { tag: 'moved', primary } : { tag: 'goes on', token, stopped };
}

/** What the node asks with; null when it does not. */
export function tokenOf(node: NodeView): string | null {
  return wordOf(node)?.token ?? null;
}

function isAboutToStop({ reported, goal }: NodeView): boolean {
  return canTakeWrites(reported) && (handsOver(goal) || goal === 'dropped');
}
