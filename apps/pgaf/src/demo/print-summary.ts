import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import { readMeasurements } from '@pgaf/demo/measurements';
import type { CommandContext } from '../command-spec.js';
import { demoTables } from '../output/demo-tables.js';
import { jsonText } from '../output/json-text.js';
import { findTarget, type TargetFlags } from './demo-target.js';

export async function demoSummary(flags: TargetFlags, context: CommandContext): Promise<void> {
  const { conninfo } = await findTarget(flags, context);
  await printSummary(conninfo, flags, context);
}

/** Of the last demonstration. @throws UserError `no-demo`. */
export async function printSummary(
  conninfo: ConnInfo,
  { json }: Pick<TargetFlags, 'json'>,
  context: CommandContext,
): Promise<void> {
  const measurements = await readMeasurements(conninfo);
  context.print(json ? jsonText(measurements) : demoTables(measurements, process.stdout.columns));
}
