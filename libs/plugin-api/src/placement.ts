import type { FormationView } from '@pgaf/core/formation-view';

/** What is known of a node before it has a row. */
export interface Registration {
  readonly formation: string;
  readonly role: string;
  readonly host: string;
  readonly port: number;
  readonly cluster: string;
  readonly candidatePriority: number;
  readonly group: number;
  /** How many nodes the group has already. */
  readonly position: number;
}

export interface PlacementRequest {
  readonly role: string;
  readonly cluster: string;
  /** The group the operator asked for, or null. */
  readonly wantedGroup: number | null;
  readonly secondary: boolean;
  /** The groups of the formation that have nodes, by number. */
  readonly groups: readonly { readonly group: number; readonly nodes: number }[];
}

/** Why something cannot be had, one sentence without its end, and what the user does instead. */
export interface Refused {
  readonly tag: 'refused';
  readonly reason: string;
  readonly hint: string;
}

export type Placement = { readonly tag: 'group'; readonly group: number } | Refused;

/** A node that an operator wants to drop from its formation. */
export interface RemovalRequest {
  readonly node: number;
  readonly group: number;
  /** What the plugins said included. */
  readonly formation: FormationView;
}
