import {
  camel,
  nameOf,
  valueIn,
  type ConfigOf,
  type Schema,
  type Setting,
  type SettingValue,
} from './schema.js';
import { printValue } from './value.js';

/** A setting that a file gives another value than the one in force; undefined stands for no value. */
export interface SettingChange {
  readonly setting: Setting;
  readonly from: SettingValue | undefined;
  readonly to: SettingValue | undefined;
}

/** What a running service makes of its file when it reads it again. */
export interface Reload<C> {
  /** What is in force from now on: new values of reloadable settings, old values of all others. */
  readonly config: C;
  readonly taken: readonly SettingChange[];
  /** Changed in the file, and without effect until the service is started again. */
  readonly needRestart: readonly SettingChange[];
}

/**
 * Compares the configuration in force with the one that the file says now. The next call gets this one's `config`,
 * so that a setting which waits for a restart is named each time.
 */
export function reload<const S extends Schema>(
  schema: S,
  inForce: ConfigOf<S>,
  read: ConfigOf<S>,
): Reload<ConfigOf<S>> {
  const config: Record<string, Record<string, SettingValue>> = {};
  const taken: SettingChange[] = [];
  const needRestart: SettingChange[] = [];
  for (const setting of schema) {
    const [from, to] = [valueIn(setting, inForce), valueIn(setting, read)];
    const section = (config[camel(setting.section)] ??= {});
    const value = setting.reloadable ? to : from;
    if (value !== undefined) section[camel(setting.key)] = value;
    if (from !== to) (setting.reloadable ? taken : needRestart).push({ setting, from, to });
  }
  // The rows above are what ConfigOf<S> is computed from.
  return { config: config as ConfigOf<S>, taken, needRestart };
}

/** For the log: `ssl.active is now 1 (was 0); …`, or null when nothing was taken. */
export function describeTaken({ taken }: Pick<Reload<unknown>, 'taken'>): string | null {
  if (taken.length === 0) return null;
  return taken
    .map(({ setting, from, to }) =>
      setting.secret
        ? `${nameOf(setting)} has a new value`
        : setting.grantedByMonitor
          ? `${nameOf(setting)} is to be ${shown(setting, to)} (was ${shown(setting, from)}) when the monitor takes it`
          : `${nameOf(setting)} is now ${shown(setting, to)} (was ${shown(setting, from)})`,
    )
    .join('; ');
}

/** For the log: `postgresql.port stays 5432 until a restart (the file says 5433); …`, or null. */
export function describeNeedRestart({ needRestart }: Pick<Reload<unknown>, 'needRestart'>): string | null {
  if (needRestart.length === 0) return null;
  return needRestart
    .map(({ setting, from, to }) =>
      setting.secret
        ? `${nameOf(setting)} keeps its value until a restart`
        : `${nameOf(setting)} stays ${shown(setting, from)} until a restart (the file says ${shown(setting, to)})`,
    )
    .join('; ');
}

function shown(setting: Setting, value: SettingValue | undefined): string {
  return value === undefined || value === '' ? 'unset' : printValue(setting, value);
}
