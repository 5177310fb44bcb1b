import { accessSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { EXIT, UserError } from '@pgaf/core/errors';

const DEFAULT_DIRECTORY = '/var/run/postgresql';
/** The longest path of a Unix socket on Linux, without the zero at its end. */
const LONGEST_SOCKET_PATH = 107;

/**
 * Where Postgres puts its Unix socket: the distribution's directory when we may write there, since clients look
 * there; else `runtimeDirectory`, created 0700.
 * @throws UserError `socket-path-too-long`.
 */
export async function chooseSocketDirectory(
  runtimeDirectory: string,
  standard: string = DEFAULT_DIRECTORY,
): Promise<string> {
  try {
    accessSync(standard, constants.W_OK | constants.X_OK);
    return standard;
  } catch {
    await mkdir(runtimeDirectory, { recursive: true, mode: 0o700 });
  }
  if (Buffer.byteLength(`${runtimeDirectory}/.s.PGSQL.65535`) > LONGEST_SOCKET_PATH) {
    throw new UserError(
      `The path of a Unix socket in ${runtimeDirectory} would be too long for the system.`,
      {
        code: 'socket-path-too-long',
        exit: EXIT.badConfiguration,
        hint: 'Set XDG_RUNTIME_DIR to a directory with a shorter path.',
      },
    );
  }
  return runtimeDirectory;
}
