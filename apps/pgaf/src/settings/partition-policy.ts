import { PARTITION_POLICIES, type PartitionPolicy } from '@pgaf/core/partition-policy';
import type { CommandContext } from '../command-spec.js';
import { wordOf } from '../create/flag-values.js';
import { requireFormation } from '../known-formation.js';
import { jsonText } from '../output/json-text.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';

export interface PolicyFlags extends MonitorFlags {
  readonly json: boolean;
}

export async function getPartitionPolicy(flags: PolicyFlags, context: CommandContext): Promise<void> {
  await withMonitor(flags, context, async (session, { formation }) => {
    await requireFormation(session, formation);
    const [row] = await session.query<{ policy: PartitionPolicy }>(
      'SELECT partition_policy AS policy FROM pgautofailover.formation WHERE formationid = $1',
      [formation],
    );
    print(flags, context, row?.policy ?? 'availability');
  });
}

/** It is in force at once: no primary needs to hear of it. */
export async function setPartitionPolicy(
  flags: PolicyFlags & { readonly policy: string },
  context: CommandContext,
): Promise<void> {
  const policy = wordOf({ text: flags.policy, where: 'partition-policy' }, PARTITION_POLICIES);
  await withMonitor(flags, context, async (session, { formation }) => {
    await requireFormation(session, formation);
    await session.query('SELECT pgautofailover.set_formation_partition_policy($1, $2)', [formation, policy]);
    print(flags, context, policy);
  });
}

function print({ json }: PolicyFlags, context: CommandContext, policy: PartitionPolicy): void {
  context.print(json ? jsonText({ 'partition-policy': policy }) : `${policy}\n`);
}
