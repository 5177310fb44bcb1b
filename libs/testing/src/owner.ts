import { chownSync, mkdirSync, readFileSync } from 'node:fs';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Who pgaf becomes when root starts it: Postgres refuses root. Null when this process is not root. */
export function postgresOwner(): Owner | null {
  if (process.getuid?.() !== 0) return null;
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (!line) throw new Error('there is no user postgres for root to become');
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

export function makeOwnedDirectory(path: string, owner: Owner | null): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  if (owner) chownSync(path, owner.uid, owner.gid);
}
