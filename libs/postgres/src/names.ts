/** Replication slot and `application_name` of a standby: what ties a walsender to a node. */
export function standbyName(nodeId: number): string {
  return `pgautofailover_standby_${nodeId}`;
}

const STANDBY_NAME = /^pgautofailover_standby_(\d+)$/;

/** The node that a slot or application name belongs to; undefined when it is not one of ours. */
export function nodeIdOf(name: string): number | undefined {
  const found = STANDBY_NAME.exec(name);
  return found ? Number(found[1]) : undefined;
}

/** Matches every slot and application name of ours, in SQL's LIKE. */
export const STANDBY_NAME_LIKE = 'pgautofailover\\_standby%';
