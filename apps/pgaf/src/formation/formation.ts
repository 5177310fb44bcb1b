import { EXIT, UserError } from '@pgaf/core/errors';
import type { CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { requireFormationName, requirePostgresName } from '../create/check-names.js';
import { flagsConflict } from '../flags-conflict.js';
import { requireFormation } from '../known-formation.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';

export interface CreateFlags extends MonitorFlags {
  readonly kind?: string | undefined;
  readonly dbname: string;
  readonly 'enable-secondary': boolean;
  readonly 'disable-secondary': boolean;
  readonly 'number-sync-standbys': number;
}

/** A formation that has no nodes yet; its first one founds its first group. */
export async function createFormation(flags: CreateFlags, context: CommandContext): Promise<void> {
  const name = named(flags);
  const kinds = context.host.kinds();
  if (flags.kind === undefined) throw missing('kind', `One of: ${kinds.join(', ')}.`);
  if (!kinds.includes(flags.kind)) throw unknownKind(flags.kind, kinds);
  requireFormationName(name);
  requirePostgresName('--dbname', flags.dbname);
  const { 'enable-secondary': on, 'disable-secondary': off } = flags;
  if (on && off) throw flagsConflict(['--enable-secondary', '--disable-secondary']);
  await withMonitor(flags, context, async (session) => {
    await session.query('SELECT FROM pgautofailover.create_formation($1, $2, $3, $4, $5)', [
      name,
      flags.kind,
      flags.dbname,
      !off,
      flags['number-sync-standbys'],
    ]);
    context.log.info(`Created formation "${name}" of kind "${flags.kind}", for database "${flags.dbname}"`);
  });
}

/** One that has no nodes any more. */
export async function dropFormation(flags: MonitorFlags, context: CommandContext): Promise<void> {
  const name = named(flags);
  await withMonitor(flags, context, async (session) => {
    await requireFormation(session, name);
    await session.query('SELECT pgautofailover.drop_formation($1)', [name]);
    context.log.info(`Dropped formation "${name}"`);
  });
}

export async function enableSecondary(flags: MonitorFlags, context: CommandContext): Promise<void> {
  await change(flags, context, async (session, formation) => {
    await session.query('SELECT pgautofailover.enable_secondary($1)', [formation]);
    context.log.info(`Formation "${formation}" takes standbys`);
  });
}

export async function disableSecondary(flags: MonitorFlags, context: CommandContext): Promise<void> {
  await change(flags, context, async (session, formation) => {
    await session.query('SELECT pgautofailover.disable_secondary($1)', [formation]);
    context.log.info(`Formation "${formation}" takes no standbys any more`);
  });
}

async function change(
  flags: MonitorFlags,
  context: CommandContext,
  work: (session: CommandSession, formation: string) => Promise<void>,
): Promise<void> {
  await withMonitor(flags, context, async (session, { formation }) => {
    await requireFormation(session, formation);
    await work(session, formation);
  });
}

function named({ formation }: MonitorFlags): string {
  if (formation !== undefined) return formation;
  throw missing('formation', 'Give its name.');
}

function missing(flag: string, hint: string): UserError {
  return new UserError(`--${flag} is missing.`, { code: 'missing-option', exit: EXIT.badArguments, hint });
}

function unknownKind(kind: string, kinds: readonly string[]): UserError {
  return new UserError(`There is no kind of formation "${kind}".`, {
    code: 'unknown-kind',
    exit: EXIT.badArguments,
    hint: `Give one of: ${kinds.join(', ')}; other kinds are plugins.`,
  });
}
