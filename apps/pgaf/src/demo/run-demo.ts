import { formatUri, redacted } from '@pgaf/conninfo/conninfo';
import { EXIT, PgafError } from '@pgaf/core/errors';
import { demonstrate } from '@pgaf/demo/demonstration';
import { ping } from '@pgaf/demo/ping';
import type { CommandContext } from '../command-spec.js';
import { AwaitedServer } from '../create/await-server.js';
import { planDemo, type DemoPlan, type PlanFlags } from './demo-plan.js';
import { findTarget, type TargetFlags } from './demo-target.js';
import { failOverOnce } from './fail-over-once.js';
import { printSummary } from './print-summary.js';

export interface RunDemoFlags extends TargetFlags, PlanFlags {
  readonly group?: number | undefined;
}

/** Clients that write while the formation fails over, and then what they measured. */
export async function runDemo(flags: RunDemoFlags, context: CommandContext): Promise<void> {
  const { log, env } = context;
  const plan = planDemo(flags, env);
  const { place, conninfo } = await findTarget(flags, context, plan.patience);
  log.info(`Using application connection string "${formatUri(redacted(conninfo))}"`);
  await new AwaitedServer(conninfo, plan.patience, log, 'primary').use(() => ping(conninfo));
  tellFailovers(flags, plan, context);
  const end = new AbortController();
  const stop = (): void => {
    log.info('Told to end: what was measured follows');
    end.abort();
  };
  // The second one ends it as it would any program.
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const { acknowledged, found } = await demonstrate({
    target: conninfo,
    clients: plan.clients,
    duration: plan.duration,
    failovers: plan.failovers,
    failOver: () => failOverOnce(place, flags.group ?? place.group ?? 0),
    log,
    signal: end.signal,
  });
  await printSummary(conninfo, flags, context);
  if (found < acknowledged) throw lost(acknowledged, found);
  log.info(`${acknowledged} rows were acknowledged, and all of them are there`);
}

function tellFailovers(flags: RunDemoFlags, { failovers }: DemoPlan, { log }: CommandContext): void {
  const seconds = failovers.map((at) => `${at / 1000}s`);
  if (seconds.length > 0) log.info(`There will be a failover after ${seconds.join(', ')}`);
  else if (!flags['no-failover'])
    log.warn('There will be no failover: --duration ends before --first-failover, or too soon after it');
}

function lost(acknowledged: number, found: number): PgafError {
  return new PgafError(`${acknowledged} rows were acknowledged, and ${found} are there.`, {
    code: 'rows-lost',
    exit: EXIT.internal,
    hint: 'Unless somebody has removed rows or given up a lost primary, please report this with the logs of monitor and nodes.',
  });
}
