import { isIP } from 'node:net';
import { join } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { bytesOf, readBytes, writeAtomically, type Written } from './atomic-file.js';
import { OUR_MARKERS, withBlock } from './marked-block.js';

/** One line of pg_hba.conf. */
export interface HbaRule {
  readonly type: 'local' | 'host' | 'hostssl' | 'hostnossl';
  /** A name, or a keyword of pg_hba.conf: `all`, `replication`, `sameuser`, `samerole`. */
  readonly database: string;
  /** A name, or `all`. */
  readonly user: string;
  /** A host name, an address, or a network in CIDR form; none for `local`. */
  readonly address?: string | undefined;
  /** `trust`, `scram-sha-256`, `reject`, … */
  readonly method: string;
  /** Such as `map=pgautofailover`. */
  readonly options?: string | undefined;
}

const DATABASE_KEYWORDS = new Set(['all', 'replication', 'sameuser', 'samerole']);
const USER_KEYWORDS = new Set(['all']);

function nameOrKeyword(name: string, keywords: ReadonlySet<string>): string {
  return keywords.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** An address alone means that one host; a host name stands as it is, Postgres resolves it at each login. */
function addressOf(address: string): string {
  const family = isIP(address);
  if (family === 0) return address;
  return family === 4 ? `${address}/32` : `${address}/128`;
}

function refuse(rule: HbaRule, problem: string): never {
  throw new UserError(`A rule for pg_hba.conf ${problem}: ${JSON.stringify(rule)}.`, {
    code: 'bad-hba-rule',
    exit: EXIT.badConfiguration,
  });
}

export function renderHbaRule(rule: HbaRule): string {
  const parts = [rule.database, rule.user, rule.address ?? '', rule.method, rule.options ?? ''];
  if (parts.some((part) => /[\r\n]/.test(part))) refuse(rule, 'holds a line break');
  if (rule.type !== 'local' && (rule.address ?? '') === '') refuse(rule, 'has no address');
  if (/\s/.test(rule.address ?? '')) refuse(rule, 'has a space in its address');
  const fields = [
    rule.type,
    nameOrKeyword(rule.database, DATABASE_KEYWORDS),
    nameOrKeyword(rule.user, USER_KEYWORDS),
    ...(rule.type === 'local' || rule.address === undefined ? [] : [addressOf(rule.address)]),
    rule.method,
    ...(rule.options ? [rule.options] : []),
  ];
  return fields.join(' ');
}

export function hbaFile(pgdata: string): string {
  return join(pgdata, 'pg_hba.conf');
}

/** The file's text with our rules first, where no rule of the user's can hide them; the rest stays byte by byte. */
export function withHbaRules(text: string, rules: readonly HbaRule[], file: string): string {
  const lines = [...new Set(rules.map(renderHbaRule))].map(bytesOf);
  return withBlock(text, lines, 'first', file);
}

/** One line of pg_ident.conf: who the system or a certificate says it is may log in as this role. */
export interface IdentMapping {
  readonly map: string;
  readonly systemUser: string;
  readonly role: string;
}

/** Our block in pg_ident.conf; Postgres reads it at the next reload. Without mappings a file of none stays so. */
export async function writeIdentMap(pgdata: string, mappings: readonly IdentMapping[]): Promise<Written> {
  const file = join(pgdata, 'pg_ident.conf');
  const text = readBytes(file);
  if (mappings.length === 0 && !text.includes(OUR_MARKERS.begin)) return 'unchanged';
  const lines = mappings.map(({ map, systemUser, role }) => `${map} ${systemUser} ${role}`);
  return writeAtomically(file, withBlock(text, lines, 'first', file));
}

/** Writes our block; Postgres reads it at the next reload. No rules: an empty block. */
export async function writeHbaRules(pgdata: string, rules: readonly HbaRule[]): Promise<Written> {
  const file = hbaFile(pgdata);
  return writeAtomically(file, withHbaRules(readBytes(file), rules, file));
}
