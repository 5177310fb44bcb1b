/** Postgres's and libpq's rule of secrets: its owner alone may read a file, and the group, too, of one that is root's. */
export function isPrivate({ mode, uid }: { readonly mode: number; readonly uid: number }): boolean {
  return (mode & (uid === 0 ? 0o037 : 0o077)) === 0;
}
