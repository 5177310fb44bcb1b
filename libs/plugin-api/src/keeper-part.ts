import type { Milliseconds } from '@pgaf/core/durations';
import type { Json } from '@pgaf/core/json';
import type { Outcome } from '@pgaf/core/result';
import type { FormationView, NodeView } from '@pgaf/core/formation-view';

/** SQL on the keeper's own node, over the local socket, in the formation's database, as its superuser. */
export interface LocalSql {
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * A connection of its own, for transactions. It never comes back by itself: once it is lost, each query fails. The
   * keeper closes those that are left open when it ends. The listener hears what Postgres says besides its answers.
   */
  session(onNotice?: (notice: SqlNotice) => void): Promise<SqlSession>;
}

/** Such as a warning, whose SQLSTATE begins with 01. */
export interface SqlNotice {
  readonly sqlState: string;
  readonly message: string;
}

export interface SqlSession {
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** A switchover that the monitor has ordered this node to make way for. */
export interface Handover {
  /** The node that takes over; null when nobody was chosen, as after a crash. */
  readonly target: number | null;
  /** The operator lets what would have it given up, such as a client's transaction, be ended for it. */
  readonly forced: boolean;
  /** This keeper was told to stop: it goes soon, whatever a step says. */
  readonly leaving: boolean;
  /** Another node has promised to take over, or has done so: its clients wait for this one to be gone. */
  readonly isSucceeded: boolean;
}

/** What a hook has that works without the monitor. */
export interface NodeContext {
  readonly sql: LocalSql;
  /** The values of the plugin's own configuration section. */
  readonly settings: Readonly<Record<string, string>>;
  readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  /**
   * For how long from now nobody else takes writes of this node's group, by what the monitor or the standbys have last
   * said: milliseconds; 0 when that is not known, Infinity for a single node that the monitor does not speak to.
   */
  readonly leaseLeft: () => Milliseconds;
  /** Aborted when the keeper stops, or the goal of the step under way changes. */
  readonly signal: AbortSignal;
}

/** What a step has that works without the monitor. */
export interface LocalContext extends NodeContext {
  readonly handover: Handover;
}

export interface KeeperContext extends LocalContext {
  /** This node, as the monitor has it. */
  readonly node: NodeView;
  /** As it was when the step or hook began. */
  readonly formation: FormationView;
  /** The formation as it is now. */
  readonly lookAgain: () => Promise<FormationView>;
  /**
   * Says something to the plugins of all other nodes, which find it as `said` of this node and hear at once that it
   * changed; null takes it back. It does not outlive this keeper, and is nothing that may change all the time.
   */
  readonly say: (name: string, value: Json | null) => void;
  /** Writes an event of this node, one sentence, for people. */
  readonly tell: (sentence: string) => Promise<void>;
  /** Gives up the switchover or drop under way, for this reason; only before Postgres was stopped for it. */
  readonly giveUpHandover: (reason: string) => void;
  /** Has `whileLeader` run at once, and once more when it runs. */
  readonly runWhileLeader: () => void;
}

/** The part of a plugin that runs beside Postgres; imported on a node only. */
export interface KeeperPart {
  /** The plugin's own steps, by the name that `{ do: 'plugin', step }` gives. */
  readonly steps?: Readonly<Record<string, (context: KeeperContext) => Promise<Outcome>>>;
  /** More of them, by other names, which are done also while the monitor is away. */
  readonly localSteps?: Readonly<Record<string, (context: LocalContext) => Promise<Outcome>>>;
  /**
   * Brings what the plugin keeps on this node in line; periodic, and on every change of the formation: at once on a node
   * that takes writes, and some tenths of a second later, once for all changes until then, on one that does not.
   */
  readonly reconcile?: (context: KeeperContext) => Promise<Outcome>;
  /**
   * Sees to what must not wait for the monitor, on each node that takes writes: as soon as it does, some tenths of a second
   * after another node of the formation does or is healthy again, and periodic; beside `reconcile`, and one at a time. A
   * retry comes again after a second.
   */
  readonly whileLeader?: (context: NodeContext) => Promise<Outcome>;
  /** After the configuration was read again. */
  readonly onReload?: (context: KeeperContext) => Promise<Outcome>;
  /** Before the node leaves its formation; not of a primary that was replaced, which stops at once. */
  readonly onDrop?: (context: KeeperContext) => Promise<Outcome>;
}
