import { readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { EXIT, UserError } from '@pgaf/core/errors';
import { isPrivate } from '@pgaf/core/private-file';
import { shellWord } from '@pgaf/core/shell-word';
import type { FlagValues } from './flag-values.js';

/** Passwords that `create` takes, by the name of the setting's flag, each from the file that `--NAME-file` names. */
const PASSWORDS = ['replication-password', 'autoctl-node-password'] as const;

/** Options of pg_auto_failover that carry a password themselves; each with the option that does instead. */
export const REFUSED_PASSWORD_FLAGS = {
  'replication-password': 'replication-password-file',
  'autoctl-node-password': 'autoctl-node-password-file',
  'monitor-password': 'autoctl-node-password-file',
} as const;

/**
 * The flags with the passwords that their files hold.
 * @throws UserError `password-on-command-line`, `bad-password-file`.
 */
export function withPasswords(flags: FlagValues): FlagValues {
  for (const [name, instead] of Object.entries(REFUSED_PASSWORD_FLAGS)) {
    if (flags[name] !== undefined) throw onCommandLine(name, instead);
  }
  const read = PASSWORDS.flatMap((name) => {
    const path = flags[`${name}-file`];
    return typeof path === 'string' ? [[name, readPasswordFile(path, `--${name}-file`)] as const] : [];
  });
  return { ...flags, ...Object.fromEntries(read) };
}

/** The one line of a file that its owner alone can read, or root and a group. */
function readPasswordFile(path: string, flag: string): string {
  if (path === '') throw bad(`${flag} is empty.`, 'Name the file that holds the password.');
  let text: string;
  try {
    const found = statSync(path);
    if (found.isDirectory()) throw bad(`${flag}: "${path}" is a directory.`, `Correct ${flag}.`);
    if (!isPrivate(found)) {
      throw bad(`${flag}: others can read or change "${path}".`, `Run: chmod 0600 ${shellWord(path)}`);
    }
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw unreadable(path, flag, error as NodeJS.ErrnoException);
  }
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw bad(`${flag}: there is no password in "${path}".`, 'Write it into the file.');
  if ([...password].some((character) => character < ' ')) {
    throw bad(
      `${flag}: "${path}" is not one line of text.`,
      'Write the password into its first and only line.',
    );
  }
  return password;
}

function unreadable(path: string, flag: string, cause: NodeJS.ErrnoException): UserError {
  if (cause.code === 'ENOENT')
    return bad(`${flag}: the file "${path}" does not exist.`, `Correct ${flag}.`, cause);
  const { username } = userInfo();
  return bad(
    `${flag}: the user "${username}", whom Postgres runs as, cannot read "${path}".`,
    `Run: chown ${username} ${shellWord(path)}; and see that its directory lets that user in.`,
    cause,
  );
}

function onCommandLine(name: string, instead: string): UserError {
  return new UserError(
    `--${name} would show the password to everybody who can list the processes of this host.`,
    {
      code: 'password-on-command-line',
      exit: EXIT.badArguments,
      hint: `Write it into a file that only you can read, and give --${instead} FILE; then choose another password, since this one was seen.`,
    },
  );
}

function bad(message: string, hint: string, cause?: unknown): UserError {
  return new UserError(message, { code: 'bad-password-file', exit: EXIT.badArguments, hint, cause });
}
