import { formatUri } from '@pgaf/conninfo/conninfo';
import type { CommandContext } from '../command-spec.js';
import { jsonText } from '../output/json-text.js';
import { findTarget, type TargetFlags } from './demo-target.js';

export async function demoUri(flags: TargetFlags, context: CommandContext): Promise<void> {
  const { place, conninfo } = await findTarget(flags, context);
  const uri = formatUri(conninfo);
  context.print(flags.json ? jsonText({ [place.formation]: uri }) : `${uri}\n`);
}
