import { STATISTICS } from './data-node-settings.js';

/** What pg_settings says of a setting's values. */
export interface SettingType {
  /** `bool`, `integer`, `real`, `enum` or `string`. */
  readonly vartype: string;
  /** Of a bare number: `ms`, `kB`, `8kB`, …; '' for none. */
  readonly unit: string;
}

const FACTORS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
  tb: 1024 ** 4,
  us: 1,
  ms: 1000,
  s: 1_000_000,
  min: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};

/** In bytes or microseconds where there is a unit; NaN when it is no number. */
function numberOf(text: string, unit: string): number {
  const [, digits = '', given = ''] = /^\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  if (digits === '') return Number.NaN;
  const [, blocks = '', own = ''] = /^(\d*)([a-z]*)$/i.exec(given === '' ? unit : given) ?? [];
  return Number(digits) * Number(blocks || 1) * (own === '' ? 1 : (FACTORS[own.toLowerCase()] ?? Number.NaN));
}

const TRUE = new Set(['on', 'true', 'yes', '1', 't', 'y']);
const FALSE = new Set(['off', 'false', 'no', '0', 'f', 'n']);

/** Enumerations that were once switches still take their words. */
function wordOf(text: string): string {
  const word = text.trim().toLowerCase();
  if (TRUE.has(word)) return 'on';
  return FALSE.has(word) ? 'off' : word;
}

function listOf(text: string): string[] {
  return text.split(',').map((item) => item.trim().replaceAll('"', ''));
}

/** True when Postgres makes the same of both, such as `5s` and `5000` in milliseconds. */
export function isSameValue(a: string, b: string, { vartype, unit }: SettingType): boolean {
  if (a === b) return true;
  if (vartype === 'integer' || vartype === 'real') return numberOf(a, unit) === numberOf(b, unit);
  return vartype !== 'string' && wordOf(a) === wordOf(b);
}

const PRELOAD = 'shared_preload_libraries';

const ATLEAST = new Set([
  'max_wal_senders',
  'max_replication_slots',
  'max_prepared_transactions',
  'wal_keep_size',
]);
const STRONGER: Readonly<Record<string, readonly string[]>> = {
  wal_level: ['logical'],
  synchronous_commit: ['remote_apply'],
};

/** True when `value` gives at least what `wanted` does, so that a user may well prefer it. */
export function isAsGood(name: string, value: string, wanted: string, type: SettingType): boolean {
  if (isSameValue(value, wanted, type)) return true;
  if (ATLEAST.has(name)) return numberOf(value, type.unit) >= numberOf(wanted, type.unit);
  if (name === PRELOAD) return loadsAsWell(listOf(value), listOf(wanted));
  return STRONGER[name]?.includes(wordOf(value)) ?? false;
}

/**
 * True when `value` is known to give less than `wanted`: what is needed is missing. Of other settings nobody can tell,
 * so that a value of the user’s counts as a choice.
 */
export function fallsShort(name: string, value: string, wanted: string): boolean {
  const isOnScale = ATLEAST.has(name) || name in STRONGER || name === PRELOAD;
  return isOnScale && !isAsGood(name, value, wanted, { vartype: 'string', unit: '' });
}

/** What a formation kind wants loaded is put first, since it may refuse to come later; the statistics do not mind. */
function loadsAsWell(loaded: readonly string[], wanted: readonly string[]): boolean {
  const first = wanted.filter((library) => library !== STATISTICS);
  return first.every((library, i) => loaded[i] === library) && wanted.every((one) => loaded.includes(one));
}
