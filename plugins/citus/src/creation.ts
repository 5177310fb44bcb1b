import type { Creation, CreationRequest, FlagDefinition } from '@pgaf/plugin-api';

/** The role and the cluster of a node in Citus, as `pg_dist_node` has them. */
export const CITUS_FLAGS: readonly FlagDefinition[] = [
  {
    name: 'citus-secondary',
    summary: 'Make a standby that serves reads of its --citus-cluster and is never promoted',
    type: 'boolean',
    default: false,
    setting: 'secondary',
  },
  {
    name: 'citus-cluster',
    summary: 'Name of the cluster of read replicas that a --citus-secondary belongs to',
    type: 'text',
    default: 'default',
    setting: 'cluster',
  },
];

/** Where clients of a worker's shards go through a proxy of its own. */
export const PROXY_PORT: FlagDefinition = {
  name: 'proxyport',
  summary: 'Port of a pooler on this host through which other nodes reach this one; 0 for none',
  type: 'integer',
  default: 0,
  setting: 'proxyport',
};

/** What the command line makes of a node: one that may take over, or one of a cluster of read replicas. */
export function choose({ flags, group, candidatePriority }: CreationRequest, firstGroup: number): Creation {
  const cluster = String(flags['citus-cluster'] ?? 'default');
  const isSecondary = flags['citus-secondary'] === true;
  if (group !== null && group < firstGroup) {
    return {
      tag: 'refused',
      reason: `Group ${group} is the coordinator’s, and a worker cannot be in it`,
      hint: `Give --group ${firstGroup} or more, or leave it out.`,
    };
  }
  if (!isSecondary && cluster === 'default') return { tag: 'node', cluster };
  if (!isSecondary) {
    return {
      tag: 'refused',
      reason: `The cluster "${cluster}" has read replicas only`,
      hint: 'Give --citus-secondary too, or leave --citus-cluster out.',
    };
  }
  if (cluster === 'default' || !/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(cluster)) {
    return {
      tag: 'refused',
      reason:
        cluster === 'default'
          ? '--citus-secondary is given, and no cluster that it serves reads of'
          : `--citus-cluster: "${cluster}" is no name of a cluster`,
      hint: 'Name the cluster with --citus-cluster: letters, digits, "_" and "-".',
    };
  }
  if (candidatePriority !== null && candidatePriority !== 0) {
    return {
      tag: 'refused',
      reason: `--citus-secondary is never promoted, and --candidate-priority is ${candidatePriority}`,
      hint: 'Leave --candidate-priority out, or give 0.',
    };
  }
  return { tag: 'node', cluster, candidatePriority: 0 };
}
