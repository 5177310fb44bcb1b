import { access, constants, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import type { NodePaths } from '@pgaf/config/paths';
import { EXIT, UserError } from '@pgaf/core/errors';
import { inspectDataDirectory, notOurs, requireReplaceableWal } from '@pgaf/postgres/data-directory';
import { readPidFile } from '../pid-file.js';
import { shellWord } from '@pgaf/core/shell-word';

/**
 * Looks, and touches nothing: the data directory must be one that this user can use, and its service stopped.
 * @throws UserError `service-running`, `pgdata-unusable`, `pgdata-not-empty`, `wal-is-mount-point`.
 */
export async function checkPlace(paths: NodePaths): Promise<void> {
  const service = readPidFile(paths.pid);
  if (service?.alive) {
    throw new UserError(`A service for "${paths.pgdata}" is running, with pid ${service.service.pid}.`, {
      code: 'service-running',
      exit: EXIT.badState,
      hint: `It is created already: see \`pgaf show state --pgdata ${shellWord(paths.pgdata)}\`. To create it with other options, stop it first: pgaf stop --pgdata ${shellWord(paths.pgdata)}`,
    });
  }
  await checkWritable(paths.pgdata);
  await requireReplaceableWal(paths.pgdata);
  if ((await inspectDataDirectory(paths.pgdata)) === 'foreign') throw notOurs(paths.pgdata);
}

/** The data directory, or else the nearest directory above it that exists, is one that this user can write to. */
async function checkWritable(pgdata: string, path = pgdata): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error.code ?? '');
  if (found === 'ENOENT' || found === 'ENOTDIR') return checkWritable(pgdata, dirname(path));
  const isDirectory = typeof found === 'object' && found.isDirectory();
  if (isDirectory && (await canWrite(path))) return;
  const user = userInfo().username;
  const why =
    typeof found === 'object' && !isDirectory ? 'is not a directory' : `is closed to the user "${user}"`;
  throw new UserError(
    path === pgdata ? `"${pgdata}" ${why}.` : `"${pgdata}" cannot be made: "${path}" ${why}.`,
    {
      code: 'pgdata-unusable',
      exit: EXIT.badConfiguration,
      hint: isDirectory
        ? `Choose another --pgdata, or have root run: install -d -o ${user} -m 0700 ${shellWord(pgdata)}`
        : `Choose another --pgdata, or make a directory there that belongs to "${user}".`,
    },
  );
}

function canWrite(path: string): Promise<boolean> {
  return access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}
