/** A node of a formation that a test wants. */
export interface PlannedNode {
  readonly name: string;
  /** The word after `pgaf create`, such as `postgres`. */
  readonly role: string;
  /** The monitor assigns one unless told. */
  readonly group?: number;
  readonly candidatePriority?: number;
  readonly replicationQuorum?: boolean;
}

/** What a kind's function for tests answers, such as `pgsql({ nodes: 3 })`: what is wanted, and no way to make it. */
export interface FormationPlan {
  readonly kind: string;
  /** Of a container that runs any of its nodes. */
  readonly image: string;
  /** Database that applications use. */
  readonly dbname: string;
  readonly numberSyncStandbys?: number;
  /** In the order in which they are created: the first one of a group becomes its primary. */
  readonly nodes: readonly PlannedNode[];
}
