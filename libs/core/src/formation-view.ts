import type { JsonObject } from './json.js';
import type { State } from './states.js';

/** The whole formation, as the monitor's `formation_view` has it. */
export interface FormationView {
  readonly formation: string;
  readonly kind: string;
  readonly dbname: string;
  readonly groups: readonly GroupView[];
}

export interface GroupView {
  readonly group: number;
  readonly epoch: number;
  readonly leader: number | null;
  readonly memory: JsonObject;
  /** The monitor knows the group from a backup, and has not heard from all its nodes since: nothing here is an order. */
  readonly restored: boolean;
  readonly nodes: readonly NodeView[];
}

/** Who and where a node is, and in which state. */
export interface NodeView {
  readonly id: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly role: string;
  readonly cluster: string;
  readonly reported: State;
  readonly goal: State;
  /** What the plugin on that node says to the plugins of the others, by name; the rules do not look at it. */
  readonly said?: JsonObject;
}
