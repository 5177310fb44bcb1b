import { createHash } from 'node:crypto';
import { isState, type State } from '@pgaf/core/states';

export type Health = 'unknown' | 'bad' | 'good';

/**
 * The channel on which the monitor announces to the keepers of a formation what it announces to everybody on `state`:
 * `channel_of` of its schema.
 */
export function channelOf(formation: string): string {
  return `formation_${createHash('sha256').update(formation).digest('hex').slice(0, 32)}`;
}

/** What the channel `state` announces: a change of a node's reported state, goal or health. */
export interface StateNotification {
  readonly formation: string;
  readonly group: number;
  readonly nodeId: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly reported: State;
  readonly goal: State;
  readonly health: Health;
}

/** Reads a payload of these channels; null when it is none, since anybody can notify a channel. */
export function parseStateNotification(payload: string): StateNotification | null {
  let json: unknown;
  try {
    json = JSON.parse(payload);
  } catch {
    return null;
  }
  if (typeof json !== 'object' || json === null) return null;
  const fields = json as Readonly<Record<string, unknown>>;
  const { type, formation, groupId, nodeId, name, host, port, reportedState, goalState, health } = fields;
  if (
    type !== 'state' ||
    typeof formation !== 'string' ||
    typeof name !== 'string' ||
    typeof host !== 'string'
  ) {
    return null;
  }
  if (typeof groupId !== 'number' || typeof nodeId !== 'number' || typeof port !== 'number') return null;
  if (typeof reportedState !== 'string' || typeof goalState !== 'string') return null;
  if (!isState(reportedState) || !isState(goalState)) return null;
  if (health !== 'unknown' && health !== 'bad' && health !== 'good') return null;
  return {
    formation,
    group: groupId,
    nodeId,
    name,
    host,
    port,
    reported: reportedState,
    goal: goalState,
    health,
  };
}
