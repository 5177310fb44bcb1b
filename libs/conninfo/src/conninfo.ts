import { hostAndPort } from '@pgaf/core/host-and-port';
import { badConnInfo } from './bad-conninfo.js';
import { printKeywords, readKeywords } from './keyword-form.js';
import {
  OWN_KEYWORDS,
  REST_KEYWORDS,
  SECRET_KEYWORDS,
  SSL_MODES,
  TARGET_SESSION_ATTRS,
  type OwnKeyword,
  type SslMode,
  type TargetSessionAttrs,
} from './keywords.js';
import { isUri, printUri, readUri } from './uri-form.js';

export type { SslMode, TargetSessionAttrs } from './keywords.js';

export const DEFAULT_PORT = 5432;

export interface Host {
  /** A name, an address, a socket directory (begins with `/`), or '' for the default socket directory. */
  readonly host: string;
  readonly port: number;
  /** The address to connect to, when `host` is only the name that certificates and passfile are compared with. */
  readonly hostaddr?: string;
}

/** A connection string of libpq as a value. What the string leaves out is absent; an empty value counts as left out. */
export interface ConnInfo {
  /** At least one, in the order in which they are tried. */
  readonly hosts: readonly Host[];
  readonly user?: string;
  readonly password?: string;
  readonly dbname?: string;
  readonly targetSessionAttrs?: TargetSessionAttrs;
  /** Absent means `prefer`, libpq's default. */
  readonly sslmode?: SslMode;
  readonly sslrootcert?: string;
  readonly sslcrl?: string;
  readonly sslcert?: string;
  readonly sslkey?: string;
  readonly applicationName?: string;
  /** Seconds, for each host; 0 or less is libpq's word for no limit. */
  readonly connectTimeout?: number;
  readonly passfile?: string;
  readonly options?: string;
  /** All other keywords of libpq, by its names. */
  readonly rest: Readonly<Record<string, string>>;
}

function listOf(words: ReadonlyMap<string, string>, keyword: string): string[] {
  return (words.get(keyword) ?? '').split(',').map((item) => item.trim());
}

function readPort(text: string): number {
  if (text === '') return DEFAULT_PORT;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) {
    throw badConnInfo(`the port "${text}" is not a number from 1 to 65535`);
  }
  return port;
}

function readHosts(words: ReadonlyMap<string, string>): Host[] {
  const names = listOf(words, 'host');
  const addresses = listOf(words, 'hostaddr');
  const ports = listOf(words, 'port');
  const count = words.get('host') ? names.length : addresses.length > 1 ? addresses.length : names.length;
  if (words.get('host') && words.get('hostaddr') && addresses.length !== names.length) {
    throw badConnInfo(`hostaddr lists ${addresses.length} addresses for ${names.length} hosts`);
  }
  const hosts = Math.max(count, 1);
  if (ports.length !== 1 && ports.length !== hosts) {
    throw badConnInfo(`port lists ${ports.length} ports for ${hosts} hosts`);
  }
  return Array.from({ length: hosts }, (_, i) => {
    const hostaddr = addresses[i];
    return {
      host: names[i] ?? '',
      port: readPort((ports.length === 1 ? ports[0] : ports[i]) ?? ''),
      ...(hostaddr ? { hostaddr } : {}),
    };
  });
}

function oneOf<T extends string>(keyword: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((item) => item === value);
  if (found === undefined) throw badConnInfo(`${keyword} "${value}" is none of ${allowed.join(', ')}`);
  return found;
}

function readOwn(keyword: OwnKeyword, value: string): string | number {
  if (keyword === 'sslmode') return oneOf(keyword, value, SSL_MODES);
  if (keyword === 'target_session_attrs') return oneOf(keyword, value, TARGET_SESSION_ATTRS);
  if (keyword === 'connect_timeout') {
    if (!/^\s*-?\d+\s*$/.test(value)) throw badConnInfo(`connect_timeout "${value}" is not a whole number`);
    return Number(value);
  }
  return value;
}

function isOwn(keyword: string): keyword is OwnKeyword {
  return Object.hasOwn(OWN_KEYWORDS, keyword);
}

/**
 * Reads a connection string in one of libpq's two forms, with libpq's meaning. Nothing is taken from the
 * environment: in pgaf PGHOST, PGPORT, PGUSER and PGDATABASE describe the local node.
 * @throws UserError `bad-conninfo`, exit 1, naming the part that is wrong.
 */
export function parseConnInfo(text: string): ConnInfo {
  const words = isUri(text) ? readUri(text) : readKeywords(text);
  const own: Record<string, string | number> = {};
  const rest: Record<string, string> = {};
  for (const [keyword, value] of words) {
    if (['host', 'hostaddr', 'port'].includes(keyword)) continue;
    if (isOwn(keyword)) {
      if (value !== '') own[OWN_KEYWORDS[keyword]] = readOwn(keyword, value);
    } else if (REST_KEYWORDS.has(keyword)) {
      if (value !== '') rest[keyword] = value;
    } else {
      throw badConnInfo(`"${keyword}" is not a keyword of libpq`);
    }
  }
  return { hosts: readHosts(words), ...own, rest };
}

function toKeywords(conninfo: ConnInfo): Map<string, string> {
  const words = new Map<string, string>();
  const { hosts } = conninfo;
  const allDefault = hosts.length === 1 && hosts[0]?.host === '';
  if (!allDefault) words.set('host', hosts.map((h) => h.host).join(','));
  if (!allDefault || hosts[0]?.port !== DEFAULT_PORT) words.set('port', hosts.map((h) => h.port).join(','));
  if (hosts.some((h) => h.hostaddr)) words.set('hostaddr', hosts.map((h) => h.hostaddr ?? '').join(','));
  for (const [keyword, property] of Object.entries(OWN_KEYWORDS)) {
    const value = conninfo[property];
    if (value !== undefined && value !== '') words.set(keyword, String(value));
  }
  for (const [keyword, value] of Object.entries(conninfo.rest)) words.set(keyword, value);
  return words;
}

/** `postgres://user:password@host:port,…/dbname?target_session_attrs=…&sslmode=…`, the password in clear. */
export function formatUri(conninfo: ConnInfo): string {
  return printUri(toKeywords(conninfo));
}

/** `host=… port=… user=… password=…`, the form that `primary_conninfo` takes, the password in clear. */
export function formatKeywords(conninfo: ConnInfo): string {
  return printKeywords(toKeywords(conninfo));
}

/** The same with `***` for each secret: what may be printed. */
export function redacted(conninfo: ConnInfo): ConnInfo {
  return {
    ...conninfo,
    ...(conninfo.password === undefined ? {} : { password: '***' }),
    rest: Object.fromEntries(
      Object.entries(conninfo.rest).map(([keyword, value]) => [
        keyword,
        SECRET_KEYWORDS.has(keyword) ? '***' : value,
      ]),
    ),
  };
}

/** `host:port`, `[::1]:port` or `/socket/dir:port`: how messages name a host. */
export function formatHost({ host, hostaddr, port }: Host): string {
  const name = host !== '' ? host : (hostaddr ?? 'local socket');
  return hostAndPort(name, port);
}
