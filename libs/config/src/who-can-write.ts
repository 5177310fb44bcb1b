/** Of a file, as stat(2) tells. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;

/** Whether somebody else than a file's owner, and root, can write to it. */
export function othersCanWrite({ mode }: Pick<Ownership, 'mode'>): boolean {
  return (mode & (GROUP_WRITES | OTHERS_WRITE)) !== 0;
}

/**
 * The same where a group that has its owner's number counts as the owner. Where each user has such a group, the files of
 * a clone are made with umask 002, and nobody else is in it. Root's has whoever the system puts into it.
 */
export function othersThanItsGroupCanWrite({ uid, gid, mode }: Ownership): boolean {
  const hasOwnGroup = uid === gid && uid !== 0;
  return othersCanWrite({ mode: hasOwnGroup ? mode & ~GROUP_WRITES : mode });
}
