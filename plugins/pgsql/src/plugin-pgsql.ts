import { CONTRACT_VERSION, definePlugin } from '@pgaf/plugin-api';

/** Plain Postgres: one group, any number of standbys. */
export default definePlugin({
  kind: 'pgsql',
  packageName: '@pgaf/plugin-pgsql',
  version: '0.1.0',
  contract: CONTRACT_VERSION,
  ranges: { schema: [1, 99], postgres: [13, 18] },
  roles: [
    {
      name: 'node',
      command: 'postgres',
      summary: 'Create a Postgres node of a plain Postgres formation',
      groups: { from: 0, to: 0 },
      defaultDbname: 'postgres',
    },
  ],
  assignGroup({ wantedGroup, secondary, groups }) {
    if (wantedGroup !== null && wantedGroup !== 0) {
      return {
        tag: 'refused',
        reason: `A formation of plain Postgres has group 0 only, not group ${wantedGroup}`,
        hint: 'Leave --group out.',
      };
    }
    const nodes = groups.find(({ group }) => group === 0)?.nodes ?? 0;
    if (nodes > 0 && !secondary) {
      return {
        tag: 'refused',
        reason: 'This formation takes no standbys and has its one node already',
        hint: 'Enable standbys first, with `pgaf enable secondary`, or create another formation.',
      };
    }
    return { tag: 'group', group: 0 };
  },
  nodeName: ({ id }) => `node_${id}`,
  uriGroup: 0,
});
