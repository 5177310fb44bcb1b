import type { State } from '@pgaf/core/states';
import type { FormationView } from '@pgaf/plugin-api';
import type { Sighting } from '@pgaf/plugin-api/snapshot';
import type { Registered, Registration } from '@pgaf/monitor-client/monitor-client';
import type { RunningVersion } from '@pgaf/postgres/version-findings';
import type { Assignment, Report } from '@pgaf/monitor-client/reports';

/** A change of a node’s state or health that the monitor announced. */
export interface News {
  readonly formation: string;
  readonly group: number;
  readonly nodeId: number;
  readonly reported: State;
  readonly goal: State;
  /** Of its Postgres, as the monitor sees it. */
  readonly health: Sighting['health'];
}

/** The monitor as a keeper uses it: one session that stays open. */
export interface MonitorLink {
  report(report: Report): Promise<Assignment>;
  register(registration: Registration): Promise<Registered>;
  /** Its new name and place. */
  updateNode(
    nodeId: number,
    node: { readonly name: string; readonly host: string; readonly port: number },
  ): Promise<void>;
  removeNode(nodeId: number): Promise<void>;
  setSystemIdentifier(nodeId: number, systemIdentifier: string): Promise<void>;
  reportPostgresVersion(nodeId: number, version: RunningVersion): Promise<void>;
  /** An event of the node, for people. */
  tell(nodeId: number, sentence: string): Promise<void>;
  formationView(formation: string): Promise<FormationView>;
  /** Calls the listener for each change of state in the formation, and once after each reconnection. */
  onNews(formation: string, listener: (news: News | null) => void): void;
  close(): Promise<void>;
}
