/** What is read and written of npm's lock file. */
export interface LockFile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, object>>;
}

/**
 * A lock file for a project outside the workspace: it gets the versions that the workspace has, which npm keeps in its
 * cache since it installed them. Whatever of these the project does not need, `npm install` leaves out.
 * @param manifest The project's `package.json`.
 */
export function lockOfProject(manifest: object, workspace: LockFile): LockFile {
  const installed = Object.entries(workspace.packages).filter(
    ([path, entry]) => path.startsWith('node_modules/') && !('link' in entry),
  );
  return {
    lockfileVersion: workspace.lockfileVersion,
    packages: { '': manifest, ...Object.fromEntries(installed) },
  };
}
