import { isState, type State } from '@pgaf/core/states';
import { baseEdgeTable, findEdge } from '@pgaf/fsm/edge-table';
import type { Way } from '../edges/legs.js';
import type { LogRecord } from './log-watch.js';

/**
 * An instant on the way of a node that the logs tell: the monitor assigned the goal, the keeper began a step of
 * the edge, the node reached the goal.
 */
export type Moment = `${Way} ${string}`;

const EDGES = baseEdgeTable();

/** The moments of an order: none for the goal of a node that registers, which is told in another way. */
export function momentsOfOrder(way: Way): Moment[] {
  return way.startsWith('init->') ? [] : [`${way} assigned`];
}

/**
 * The beginning of each step of the edge, as the edge table has it, and the arrival.
 * @throws RangeError when there is no such edge.
 */
export function momentsOfWay(way: Way): Moment[] {
  const [from, to] = way.split('->');
  const edge =
    isState(from ?? '') && isState(to ?? '') ? findEdge(EDGES, from as State, to as State) : undefined;
  if (!edge) throw new RangeError(`there is no edge ${way}`);
  const steps = edge.steps.map((step) => (step.do === 'plugin' ? `${step.kind}:${step.step}` : step.do));
  return [...new Set(steps), 'reached'].map((point): Moment => `${way} ${point}`);
}

/** The moment that a line of a service's log tells; null when it tells none, or one of upkeep. */
export function momentOf(record: LogRecord): Moment | null {
  const { from, to, step, msg } = record;
  if (from === undefined || to === undefined || from === to) return null;
  const way = `${from}->${to}` as Way;
  if (step !== undefined) return msg.endsWith(' begins') ? `${way} ${step}` : null;
  if (msg.startsWith('Reached state')) return `${way} reached`;
  return record.rule === undefined ? null : `${way} assigned`;
}
