import { hostAndPort } from '@pgaf/core/host-and-port';
import { ping } from '@pgaf/demo/ping';
import type { CommandContext } from '../command-spec.js';
import { jsonText } from '../output/json-text.js';
import { findTarget, type TargetFlags } from './demo-target.js';

export async function pingFormation(flags: TargetFlags, context: CommandContext): Promise<void> {
  const { conninfo } = await findTarget(flags, context);
  const { host, port, recovery, took } = await ping(conninfo);
  const ms = Number(took.toFixed(3));
  context.print(
    flags.json
      ? jsonText({ host, port, recovery, ms })
      : `${hostAndPort(host, port)} takes ${recovery ? 'reads alone' : 'writes'}, connected in ${ms} ms\n`,
  );
}
