import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** A user by name or id, from /etc/passwd, else from wherever `getent` looks; null when there is none. */
export function findUser(nameOrId: string | number): SystemUser | null {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const line of lines) {
    const user = parsePasswdLine(line);
    if (user && (user.name === nameOrId || user.uid === nameOrId)) return user;
  }
  try {
    return parsePasswdLine(execFileSync('getent', ['passwd', '--', String(nameOrId)], { encoding: 'utf8' }));
  } catch {
    return null;
  }
}

/** A line of passwd(5); null when it is none. */
export function parsePasswdLine(line: string): SystemUser | null {
  const [name, , uid, gid, , home] = line.split(':');
  if (!name || !uid || !gid || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return null;
  return { name, uid: Number(uid), gid: Number(gid), home: home || '/' };
}
