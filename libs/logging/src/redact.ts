import { HIDDEN, Secret } from './secret.js';

/**
 * Greedy up to the last "@" of the word: a password with a raw "@" or "/" is a mistake that must not be shown
 * either. To hide too much costs a word of a message, to hide too little costs a password.
 */
const IN_URI = /(\bpostgres(?:ql)?:\/\/[^\s:@/]*:)\S*@/gi;
const IN_QUERY = /([?&][a-z_]*(?:password|client_secret)=)[^&\s]*/gi;
const IN_KEYWORDS =
  /(?<![?&a-z_])([a-z_]*(?:password|client_secret)\s*=\s*)('(?:[^'\\]|\\[^])*'|(?:[^\s\\]|\\[^])+)/gi;
const IN_SQL = /(\bpassword\s+e?)'(?:[^']|'')*'/gi;

const SECRET_NAME = /passw(?:or)?d|passphrase|secret/i;

/** The text without the passwords of its connection strings, URIs as well as keywords, and of its SQL. */
export function redactText(text: string): string {
  return text
    .replace(IN_URI, `$1${HIDDEN}@`)
    .replace(IN_QUERY, `$1${HIDDEN}`)
    .replace(IN_SQL, `$1'${HIDDEN}'`)
    .replace(IN_KEYWORDS, `$1${HIDDEN}`);
}

/** A copy for a log: texts redacted, and hidden whole under a name such as `password`. Errors are left to the caller. */
export function redactValue(name: string, value: unknown, depth = 0): unknown {
  if (value instanceof Secret) return HIDDEN;
  if (typeof value === 'string') return SECRET_NAME.test(name) ? HIDDEN : redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || depth > 8) return value;
  if (Array.isArray(value)) return value.map((item) => redactValue(name, item, depth + 1));
  if (value instanceof Date) return value.toISOString();
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, redactValue(key, item, depth + 1)]),
  );
}
