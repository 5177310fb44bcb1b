/** As Postgres bounds the names of its objects. */
const LONGEST = 63;

/** As the name service bounds a name, and long enough for any address. */
const LONGEST_HOST = 253;

/** What `show uri --formation` prints by that word is the monitor. */
const WORD_OF_THE_MONITOR = 'monitor';

/**
 * Why a text cannot name a node: a name stands in tables, configuration files, URIs and shell commands, so it is made
 * of letters, digits and `_ . -`, and no option begins like it. Ends the sentence "the name … …"; null when it can.
 */
export function whyNoNodeName(name: string): string | null {
  if (name === '') return 'is empty';
  if ([...name].length > LONGEST) return `is longer than ${LONGEST} characters`;
  if (/^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.-]*$/u.test(name)) return null;
  if (/\p{Cc}/u.test(name)) return 'has a control character';
  return 'may have letters, digits, _ . and - only, and not begin with . or -';
}

/**
 * The same of a host: its address stands in pg_hba.conf, connection strings and lists of both, and in notifications, which
 * Postgres refuses when they are longer than 8000 bytes.
 */
export function whyNoHost(host: string): string | null {
  if (host === '') return 'is empty';
  if ([...host].length > LONGEST_HOST) return `is longer than ${LONGEST_HOST} characters`;
  return /[\s\p{Cc},"'/\\@#]/u.test(host) ? 'is no name of a host' : null;
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** The same of a region, which is text for people. */
export function whyNoRegion(region: string): string | null {
  if (region.trim() === '') return 'is empty';
  if ([...region].length > LONGEST) return `is longer than ${LONGEST} characters`;
  return /\p{Cc}/u.test(region) ? 'has a control character' : null;
}

/** The same of what Postgres calls by it, such as a database: it would cut a longer one without a word. */
export function whyNoPostgresName(name: string): string | null {
  if (name === '') return 'is empty';
  if (new TextEncoder().encode(name).length > LONGEST) return `is longer than ${LONGEST} bytes`;
  return /\p{Cc}/u.test(name) ? 'has a control character' : null;
}

/** The same of a formation. */
export function whyNoFormationName(name: string): string | null {
  return name === WORD_OF_THE_MONITOR
    ? 'is the word for the monitor in `pgaf show uri --formation monitor`'
    : whyNoNodeName(name);
}
