import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { shellWord } from '@pgaf/core/shell-word';
import { findUser, type SystemUser } from './system-users.js';

const XDG = ['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR', 'XDG_CACHE_HOME', 'XDG_STATE_HOME'];

/** Node has it on every POSIX system; its types do not. */
type WithInitgroups = NodeJS.Process & { initgroups(user: string, extraGroup: number): void };

/** Who owns a data directory that is there; null when there is none, or when it is root's. */
export function ownerOf(pgdata: string): number | null {
  try {
    const { uid } = statSync(pgdata);
    return uid === 0 ? null : uid;
  } catch {
    return null;
  }
}

/**
 * Whom a command that root started runs as: the owner of the data directory, else `--os-user`, else
 * `postgres`. Postgres refuses to run as root, and so do we.
 * @throws UserError `no-such-user`, `not-the-owner`.
 */
export function userToBecome(pgdata: string, osUser: string | null): SystemUser {
  const owner = ownerOf(pgdata);
  const wanted = osUser === null ? null : findUser(osUser);
  if (osUser !== null && wanted === null) throw noSuchUser(`There is no user "${osUser}" on this host.`);
  if (wanted?.uid === 0) throw noSuchUser('Postgres does not run as root.');
  if (owner === null) {
    const user = wanted ?? findUser('postgres');
    if (user) return user;
    throw noSuchUser('pgaf was started by root, and there is no user "postgres" on this host to run as.');
  }
  if (wanted && wanted.uid !== owner) {
    throw new UserError(`The data directory "${pgdata}" does not belong to "${wanted.name}".`, {
      code: 'not-the-owner',
      exit: EXIT.badArguments,
      hint: `Leave --os-user out, or hand it over first: chown -R ${wanted.name} ${shellWord(pgdata)}`,
    });
  }
  const user = findUser(owner);
  if (user) return user;
  throw noSuchUser(
    `The data directory "${pgdata}" belongs to user id ${owner}, which has no name on this host.`,
  );
}

function noSuchUser(message: string): UserError {
  return new UserError(message, {
    code: 'no-such-user',
    exit: EXIT.badArguments,
    hint: 'Name the user that Postgres shall run as with --os-user, or start pgaf as that user.',
  });
}

/**
 * Makes this process the user's for good: ids, groups, HOME, XDG folders, working directory. Whatever only
 * root can read must have been loaded before.
 */
export function become(user: SystemUser): void {
  (process as WithInitgroups).initgroups(user.name, user.gid);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
  process.env['HOME'] = user.home;
  process.env['USER'] = user.name;
  process.env['LOGNAME'] = user.name;
  // A folder that root was given for itself is of no use to this user; one that it can use was meant.
  for (const name of XDG) {
    const folder = process.env[name];
    if (folder !== undefined && !isUsable(folder)) delete process.env[name];
  }
  try {
    process.chdir(user.home);
  } catch {
    process.chdir('/');
  }
}

/** The folder, or the nearest one above it that exists, can be written to. */
function isUsable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isMissing && dirname(folder) !== folder && isUsable(dirname(folder));
  }
}
