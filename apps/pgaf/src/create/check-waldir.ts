import { readdir, readlink } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { OF_THE_MOUNT, STAGING } from '@pgaf/postgres/data-directory';

/**
 * The directory of the WAL is one that nobody else uses, or the one that the data directory uses already.
 * @throws UserError `bad-waldir`.
 */
export async function checkWaldir(pgdata: string, waldir: string | undefined): Promise<void> {
  if (waldir === undefined) return;
  if (!isAbsolute(waldir)) throw refuse(`--waldir must be an absolute path, and "${waldir}" is none.`);
  const path = resolve(waldir);
  if (`${path}/`.startsWith(`${pgdata}/`) || `${pgdata}/`.startsWith(`${path}/`)) {
    throw refuse(`--waldir "${waldir}" and the data directory "${pgdata}" are inside one another.`);
  }
  const link = await readlink(join(pgdata, 'pg_wal')).catch((error: NodeJS.ErrnoException) => error.code);
  if (link !== undefined && resolve(pgdata, link) === path) return;
  if (link === 'EINVAL') {
    throw refuse(`The data directory "${pgdata}" has its WAL inside, not in --waldir "${waldir}".`);
  }
  const names = await readdir(path).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw refuse(`--waldir "${waldir}" cannot be used: ${error.message}.`);
  });
  if (names.some((name) => name !== OF_THE_MOUNT && name !== STAGING)) {
    throw refuse(`--waldir "${waldir}" is not empty.`);
  }
}

function refuse(message: string): UserError {
  return new UserError(message, {
    code: 'bad-waldir',
    exit: EXIT.badArguments,
    hint: 'Name an empty directory of this user, or one that can be made, with its absolute path.',
  });
}
