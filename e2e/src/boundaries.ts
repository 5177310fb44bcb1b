/** Package of the workspace → the packages that it may import; the one place that says so. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  core: [],
  logging: ['core'],
  conninfo: ['core'],
  'plugin-api': ['core'],
  config: ['core'],
  fsm: ['core', 'plugin-api'],
  simulator: ['core', 'plugin-api', 'fsm'],
  'plugin-host': ['core', 'plugin-api', 'fsm'],
  postgres: ['core', 'conninfo', 'logging'],
  'monitor-client': ['core', 'conninfo', 'logging'],
  demo: ['core', 'conninfo', 'logging'],
  monitor: ['core', 'plugin-api', 'fsm', 'plugin-host', 'conninfo', 'postgres', 'logging'],
  keeper: ['core', 'plugin-api', 'fsm', 'plugin-host', 'conninfo', 'postgres', 'monitor-client', 'logging'],
  testing: ['core', 'plugin-api', 'conninfo', 'monitor-client'],
};

/** One import of a package by another, by their folders in the workspace. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
}

function mayImport(from: string, to: string): boolean {
  const [parent, name = ''] = from.split('/');
  const library = to.startsWith('libs/') ? to.slice('libs/'.length) : null;
  if (parent === 'libs') return library !== null && (LIBRARIES[name] ?? []).includes(library);
  if (parent === 'plugins') return library === 'core' || library === 'plugin-api';
  if (parent === 'apps')
    return to.startsWith('plugins/') || (library !== null && !['testing', 'simulator'].includes(library));
  return from === 'e2e' || from === 'bench';
}

/** The arrows that run against the table; a package that the table does not know may import nothing. */
export function forbidden(arrows: readonly Arrow[]): Arrow[] {
  return arrows.filter(({ from, to }) => from !== to && !mayImport(from, to));
}

/** The packages of the workspace that nothing is said about. */
export function unknownPackages(folders: readonly string[]): string[] {
  const known = (folder: string) => {
    const [parent, name = ''] = folder.split('/');
    if (parent === 'libs') return name in LIBRARIES;
    return parent === 'plugins' || ['apps/pgaf', 'e2e', 'bench', '.'].includes(folder);
  };
  return folders.filter((folder) => !known(folder));
}
