/** A group that has all its nodes, and changes nothing: who takes writes, and who follows. */
export interface GroupAtRest {
  readonly primary: string;
  readonly secondaries: readonly string[];
}

/** What `psql -At` prints of it: name, group, reported state, assigned state. */
export const STATES_QUERY = `SELECT nodename, groupid, reportedstate, goalstate FROM pgautofailover.node ORDER BY nodeid`;

/**
 * The groups of a formation, in the order of their numbers.
 * @param printed By `psql -At`, of {@link STATES_QUERY}.
 * @param sizes How many nodes each group is to have.
 * @returns null unless each has that many, one of them as its primary, all others as standbys, and all are at rest.
 */
export function groupsAtRest(printed: string, sizes: readonly number[]): GroupAtRest[] | null {
  const nodes = printed
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [name = '', group = '', reported = '', assigned = ''] = line.split('|');
      return { name, group: Number(group), reported, assigned };
    });
  if (nodes.length !== sizes.reduce((sum, size) => sum + size, 0)) return null;
  if (nodes.some(({ reported, assigned }) => reported !== assigned)) return null;
  const groups = sizes.map((size, group) => {
    const members = nodes.filter((node) => node.group === group);
    const of = (state: string) =>
      members.filter(({ reported }) => reported === state).map(({ name }) => name);
    const [primary, ...others] = of(size === 1 ? 'single' : 'primary');
    const secondaries = of('secondary');
    const isWhole = primary !== undefined && others.length === 0 && secondaries.length === size - 1;
    return isWhole ? { primary, secondaries } : null;
  });
  return groups.every((group) => group !== null) ? groups : null;
}
