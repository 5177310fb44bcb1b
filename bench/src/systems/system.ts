import type { Milliseconds } from '@pgaf/core/durations';
import type { Host } from '@pgaf/testing/host';
import type { Network } from '@pgaf/testing/network';
import type { LoadedMonitor } from '../monitor-load/loaded-monitor.js';

/** A Postgres and what manages it there. */
export interface SystemNode {
  readonly host: Pick<
    Host,
    'name' | 'address' | 'pgdata' | 'processes' | 'killEverything' | 'freeze' | 'thaw'
  >;
  /** Of its Postgres. */
  readonly port: number;
}

/** How large a system is, and where it stands. */
export interface Shape {
  readonly nodes: number;
  readonly hosts: 'loopback' | 'network';
}

export const USUAL: Shape = { nodes: 2, hosts: 'loopback' };

/** Postgres servers, one of them with the others as synchronous standbys, and what manages them: what is measured. */
export interface System {
  readonly nodes: readonly SystemNode[];
  /** One primary, one synchronous standby, both known to be well to the system itself. */
  waitUntilStable(): Promise<void>;
  /** Of a system that is stable. */
  primary(): Promise<SystemNode>;
  standby(): Promise<SystemNode>;
  /** A planned one, as its operator orders it; returns when it is done. */
  switchover(): Promise<void>;
  /** The planned stop of one node, as its operator orders it. */
  stop(node: SystemNode): Promise<void>;
  /** Starts a node again, all of whose processes are gone. */
  restart(node: SystemNode): Promise<void>;
  /** The lines between the hosts, when they are not on loopback. */
  readonly network?: Pick<Network, 'isolate' | 'heal'> | undefined;
  /** Gives back what this process holds; processes and files are removed by whoever made the directory. */
  close(): Promise<void>;
}

/** A Citus formation: a coordinator pair, group 0, and pairs of workers in the groups from 1 on. */
export interface CitusSystem {
  /** Both coordinators, for a client that wants to write. */
  readonly uri: string;
  /** Every pair has its primary and its synchronous standby, and all is known to the system itself. */
  waitUntilStable(): Promise<void>;
  /** Of a system that is stable. */
  primaryOf(group: number): Promise<SystemNode>;
  /** A planned one, as its operator orders it; returns when it is done. */
  switchoverOf(group: number): Promise<void>;
  restart(node: SystemNode): Promise<void>;
  close(): Promise<void>;
}

/** A system that can run here. */
export interface Installation {
  readonly version: string;
  /** Makes it in this directory, which belongs to the user that servers run as, and waits until it is stable. */
  create(directory: string, shape: Shape): Promise<System>;
  /** With so many groups of workers, stable and ready for tables; of a kind that knows Citus. */
  createCitus?(directory: string, workerGroups: number): Promise<CitusSystem>;
  /** Its monitor alone, for nodes that only report; of a kind that has one. */
  createMonitor?(directory: string): Promise<LoadedMonitor>;
}

/** Why a system cannot run here. */
export interface Missing {
  readonly missing: string;
}

export interface SystemKind {
  readonly id: string;
  readonly title: string;
  /** Nobody but an operator moves its primary: scenarios without one are left out. */
  readonly onlyByHand?: true;
  /** It can be made in any shape; others have two nodes, on loopback. */
  readonly anyShape?: true;
  /** Nodes report to a monitor of its own. */
  readonly hasMonitor?: true;
  readonly knowsCitus?: true;
  /** What is not the product's default, or what an operator does; for the line below the table. */
  readonly setup: string;
  find(pgctl: string): Installation | Missing;
}

/** How long the slowest system may need to write again, or to be stable again. */
export const PATIENCE_MS: Milliseconds = 180_000;

/** The nodes in the order of their numbers, for a client that wants to write. */
export function uriOf(system: System): string {
  const hosts = system.nodes.map((node) => `${node.host.address}:${node.port}`).join(',');
  return `postgres://postgres@${hosts}/postgres?target_session_attrs=read-write&sslmode=prefer`;
}
