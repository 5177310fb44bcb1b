import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { passfileLine } from '@pgaf/conninfo/passfile';
import { bytesOf, writeAtomically } from './atomic-file.js';
import { REPLICATION_ROLE } from './roles.js';

/**
 * The file from which pg_basebackup, pg_rewind and the walreceiver take the password of the replication role, readable
 * by its owner alone: so it stands in no argument, environment or setting. Outside of the data directory, which a
 * base backup copies. Without a password there is none, and libpq looks into `~/.pgpass`.
 */
export async function writeUpstreamPassfile(path: string, password: string | null): Promise<void> {
  if (password === null) {
    await rm(path, { force: true });
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  const line = passfileLine({ host: '*', port: '*', dbname: '*', user: REPLICATION_ROLE }, password);
  const written = await writeAtomically(path, bytesOf(`${line}\n`));
  // libpq takes no password from a file that others can read.
  if (written === 'unchanged') await chmod(path, 0o600);
}
