import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

/** What Postgres stores of a password, `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`, RFC 5803. */
const VERIFIER = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/;
/** The default of scram_iterations. */
const ITERATIONS = 4096;
const SALT_BYTES = 16;

/** RFC 4013 as far as Postgres and its clients do it: spaces, what is mapped to nothing, NFKC. */
function prepared(password: string): string {
  return password
    .replace(/[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g, ' ')
    .replace(/\u00AD|\u034F|\u1806|[\u180B-\u180D]|\u2060|[\uFE00-\uFE0F]|\uFEFF/g, '')
    .normalize('NFKC');
}

/**
 * A password as Postgres stores it, whatever method of pg_hba.conf later asks for it: `md5` and `password` take it,
 * too. Made here, so that no statement carries the password: statements end up in logs and in pg_stat_statements.
 */
export function scramVerifier(
  password: string,
  salt: Buffer = randomBytes(SALT_BYTES),
  iterations = ITERATIONS,
): string {
  const salted = pbkdf2Sync(prepared(password), salt, iterations, 32, 'sha256');
  const key = (name: string): Buffer => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(key('Client Key')).digest('base64');
  const server = key('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`;
}

/** Whether what Postgres stores is this password; false for what was stored in another way. */
export function fitsVerifier(stored: string | null, password: string): boolean {
  const [, iterations, salt] = VERIFIER.exec(stored ?? '') ?? [];
  if (stored === null || iterations === undefined || salt === undefined) return false;
  const own = Buffer.from(scramVerifier(password, Buffer.from(salt, 'base64'), Number(iterations)));
  const other = Buffer.from(stored);
  return own.length === other.length && timingSafeEqual(own, other);
}
