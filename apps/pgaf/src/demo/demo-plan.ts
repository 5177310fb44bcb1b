import { parseDuration, type Milliseconds } from '@pgaf/core/durations';
import { EXIT, UserError } from '@pgaf/core/errors';
import { failoverTimes } from '@pgaf/demo/failover-times';
import { given, integerOf } from '../create/flag-values.js';
import { flagsConflict } from '../flags-conflict.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface PlanFlags {
  readonly clients?: string | undefined;
  readonly duration?: string | undefined;
  readonly 'first-failover'?: string | undefined;
  readonly 'failover-freq'?: string | undefined;
  readonly 'no-failover': boolean;
  readonly wait?: string | undefined;
}

/** What a demonstration is to be like. */
export interface DemoPlan {
  readonly clients: number;
  readonly duration: Milliseconds;
  /** When failovers are ordered, from the beginning. */
  readonly failovers: readonly Milliseconds[];
  /** How long a formation that is not up yet is waited for. */
  readonly patience: Milliseconds;
}

/** Each has a connection. */
const MOST_CLIENTS = 1000;
/** What a timer can hold. */
const LONGEST: Milliseconds = 2 ** 31 - 1;

/** @throws UserError `bad-value`, `flags-conflict`. */
export function planDemo(flags: PlanFlags, env: Environment): DemoPlan {
  const { 'no-failover': none, clients, duration, wait } = flags;
  const rhythm = { first: flags['first-failover'], every: flags['failover-freq'] };
  const values = { clients, duration, 'first-failover': rhythm.first, 'failover-freq': rhythm.every, wait };
  const time = (flag: keyof typeof values, fallback: Milliseconds, variable?: string): Milliseconds => {
    const value = given(values, flag, env, variable);
    return value === null ? fallback : durationOf(value);
  };
  if (none && rhythm.first !== undefined) throw flagsConflict(['--no-failover', '--first-failover']);
  if (none && rhythm.every !== undefined) throw flagsConflict(['--no-failover', '--failover-freq']);
  const number = given(values, 'clients', env, 'PG_AUTOCTL_DEMO_CLIENTS');
  const long = time('duration', 30_000, 'PG_AUTOCTL_DEMO_DURATION');
  const first = time('first-failover', 10_000, 'PG_AUTOCTL_DEMO_FAILOVER_FIRST');
  const every = time('failover-freq', 45_000, 'PG_AUTOCTL_DEMO_FAILOVER_FREQ');
  if (every < 1000) throw badValue('--failover-freq', 'at least a second');
  return {
    clients: number === null ? 1 : integerOf(number, 1, MOST_CLIENTS),
    duration: long,
    failovers: none ? [] : failoverTimes(long, { first, every }),
    patience: time('wait', 60_000),
  };
}

function durationOf({ text, where }: { readonly text: string; readonly where: string }): Milliseconds {
  const allowed = 'a number of seconds, or a duration such as 90s or 2min';
  try {
    const duration = parseDuration(text, 's');
    if (duration <= LONGEST) return duration;
  } catch {
    throw badValue(where, allowed, text);
  }
  throw badValue(where, 'less than 24 days', text);
}

function badValue(where: string, allowed: string, text?: string): UserError {
  return new UserError(`${where}${text === undefined ? '' : ` is "${text}", which`} must be ${allowed}.`, {
    code: 'bad-value',
    exit: EXIT.badArguments,
    hint: `Correct ${where}.`,
  });
}
