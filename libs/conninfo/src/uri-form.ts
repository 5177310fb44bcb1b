import { isIPv6 } from 'node:net';
import { badConnInfo } from './bad-conninfo.js';

const SCHEME = /^postgres(?:ql)?:\/\//;

export function isUri(text: string): boolean {
  return SCHEME.test(text);
}

function decode(text: string, what: string): string {
  if (text.includes('%00')) throw badConnInfo(`${what} contains %00`);
  try {
    return decodeURIComponent(text);
  } catch {
    throw badConnInfo(`${what} has a % that two hexadecimal digits of a UTF-8 character do not follow`);
  }
}

/** One `host:port`; the colons of an IPv6 address are told apart by its brackets. */
function readHost(text: string): { host: string; port: string } {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    if (end === -1) throw badConnInfo(`the host "${text}" has no closing bracket`);
    const rest = text.slice(end + 1);
    if (end === 1) throw badConnInfo('the brackets of an IPv6 address are empty');
    if (rest !== '' && !rest.startsWith(':')) {
      throw badConnInfo(`"${rest}" follows the brackets of the host "${text.slice(0, end + 1)}"`);
    }
    return { host: decode(text.slice(1, end), 'the host'), port: rest.slice(1) };
  }
  const colon = text.indexOf(':');
  if (colon === -1) return { host: decode(text, 'the host'), port: '' };
  return {
    host: decode(text.slice(0, colon), 'the host'),
    port: decode(text.slice(colon + 1), 'the port'),
  };
}

function readParameter(text: string): [keyword: string, value: string] {
  const equals = text.indexOf('=');
  if (equals === -1) throw badConnInfo(`the parameter "${text}" has no "="`);
  const keyword = decode(text.slice(0, equals), 'the name of a parameter');
  const raw = text.slice(equals + 1);
  if (raw.includes('=')) throw badConnInfo(`the parameter "${keyword}" has more than one "="`);
  const value = decode(raw, `the parameter "${keyword}"`);
  if (keyword === 'ssl' && value === 'true') return ['sslmode', 'require'];
  return [keyword, value];
}

/** Reads `postgres://user:password@host:port,host:port/dbname?keyword=value` into libpq's keywords. */
export function readUri(text: string): Map<string, string> {
  const words = new Map<string, string>();
  let rest = text.replace(SCHEME, '');

  // As in libpq: what stands before an "@" is a user only when no "/" comes earlier.
  const userinfo = /^([^@/]*)@/.exec(rest)?.[1];
  if (userinfo !== undefined) {
    const colon = userinfo.indexOf(':');
    words.set('user', decode(colon === -1 ? userinfo : userinfo.slice(0, colon), 'the user'));
    if (colon !== -1) words.set('password', decode(userinfo.slice(colon + 1), 'the password'));
    rest = rest.slice(userinfo.length + 1);
  }

  const [authority = ''] = /^[^/?]*/.exec(rest) ?? [];
  rest = rest.slice(authority.length);
  const hosts = authority.split(',').map(readHost);
  if (authority.includes('@')) throw badConnInfo('an "@" in the password must be written %40');
  if (rest.includes('@') && hosts.some((h) => /\D/.test(h.port))) {
    throw badConnInfo('a "/" in the user or the password must be written %2F');
  }
  words.set('host', hosts.map((h) => h.host).join(','));
  words.set('port', hosts.map((h) => h.port).join(','));

  const question = rest.indexOf('?');
  const path = question === -1 ? rest : rest.slice(0, question);
  if (path.length > 1) words.set('dbname', decode(path.slice(1), 'the database name'));

  const query = question === -1 ? '' : rest.slice(question + 1);
  for (const parameter of query === '' ? [] : query.split('&')) {
    const [keyword, value] = readParameter(parameter);
    words.set(keyword, value);
  }
  return words;
}

function encodeHost(host: string): string {
  const encoded = encodeURIComponent(host);
  return isIPv6(host) ? `[${encoded.replaceAll('%3A', ':')}]` : encoded;
}

/** Prints keywords as a URI; `host` and `port` hold lists of the same length, as `toKeywords` makes them. */
export function printUri(words: ReadonlyMap<string, string>): string {
  const hosts = (words.get('host') ?? '').split(',');
  const ports = (words.get('port') ?? '').split(',');
  const authority = hosts.map((host, i) => encodeHost(host) + (ports[i] ? `:${ports[i]}` : '')).join(',');
  const user = words.get('user');
  const password = words.get('password');
  const userinfo =
    user === undefined && password === undefined
      ? ''
      : encodeURIComponent(user ?? '') +
        (password === undefined ? '' : `:${encodeURIComponent(password)}`) +
        '@';
  const query = [...words]
    .filter(([keyword]) => !['host', 'port', 'user', 'password', 'dbname'].includes(keyword))
    .map(([keyword, value]) => `${keyword}=${encodeURIComponent(value).replaceAll('%2F', '/')}`)
    .join('&');
  return (
    `postgres://${userinfo}${authority}/${encodeURIComponent(words.get('dbname') ?? '')}` +
    (query === '' ? '' : `?${query}`)
  );
}
