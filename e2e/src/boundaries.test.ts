import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { workspaceRoot } from '@pgaf/testing/workspace';
import { createProjectGraphAsync } from '@nx/devkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { forbidden, unknownPackages, type Arrow } from './boundaries.js';

const root = workspaceRoot();

describe('the checker', () => {
  it.each<[string, string]>([
    ['libs/core', 'libs/fsm'],
    ['libs/fsm', 'libs/postgres'],
    ['libs/monitor', 'libs/keeper'],
    ['libs/keeper', 'libs/monitor'],
    ['libs/keeper', 'plugins/pgsql'],
    ['plugins/pgsql', 'libs/fsm'],
    ['apps/pgaf', 'libs/testing'],
    ['apps/pgaf', 'libs/simulator'],
    ['libs/testing', 'libs/postgres'],
    ['libs/unheard-of', 'libs/core'],
  ])('finds that %s imports %s', (from, to) => {
    expect(forbidden([{ from, to }])).toEqual([{ from, to }]);
  });

  it('lets arrows run down', () => {
    const down = [
      { from: 'libs/keeper', to: 'libs/postgres' },
      { from: 'plugins/pgsql', to: 'libs/plugin-api' },
      { from: 'apps/pgaf', to: 'plugins/pgsql' },
      { from: 'e2e', to: 'libs/testing' },
    ];
    expect(forbidden(down)).toEqual([]);
  });
});

/** What a source file imports, as it spells it. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(/(?:from|import\(|import) ?'([^']+)'/g)].map((match) => match[1] ?? '');
}

/** The imports of packages of the workspace as the sources spell them. */
function writtenImports(folderOf: ReadonlyMap<string, string>): Arrow[] {
  return tracked('apps', 'libs', 'plugins').flatMap((path) => {
    if (!path.endsWith('.ts')) return [];
    const from = path.split('/').slice(0, 2).join('/');
    const packages = importsOf(path).map((name) => /^@pgaf\/[^/]+/.exec(name)?.[0]);
    return packages.flatMap((name) => (name ? [{ from, to: folderOf.get(name) ?? name }] : []));
  });
}

describe('the project graph', () => {
  let folders: string[] = [];
  let arrows: Arrow[] = [];
  beforeAll(async () => {
    process.env['NX_DAEMON'] = 'false';
    const graph = await createProjectGraphAsync({ exitOnError: false });
    const folderOf = new Map(Object.values(graph.nodes).map((node) => [node.name, node.data.root]));
    folders = [...folderOf.values()];
    arrows = Object.values(graph.dependencies)
      .flat()
      .flatMap(({ source, target }) => {
        const [from, to] = [folderOf.get(source), folderOf.get(target)];
        return from !== undefined && to !== undefined ? [{ from, to }] : [];
      });
    // Nx leaves out what it cannot resolve, such as an import of what a package does not export.
    arrows.push(...writtenImports(folderOf));
  });

  it('is there: a check over an empty graph would pass in silence', () => {
    expect(arrows).toContainEqual({ from: 'libs/fsm', to: 'libs/core' });
    expect(arrows).toContainEqual({ from: 'apps/pgaf', to: 'libs/keeper' });
  });

  it('holds the table', () => {
    expect(unknownPackages(folders)).toEqual([]);
    expect(forbidden(arrows)).toEqual([]);
  });
});

function tracked(...patterns: string[]): string[] {
  const listed = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...patterns],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  return listed.split('\n').filter((path) => path !== '' && existsSync(join(root, path)));
}

function linesThatMatch(paths: readonly string[], pattern: RegExp | string): string[] {
  return paths.flatMap((path) =>
    readFileSync(join(root, path), 'utf8')
      .split('\n')
      .flatMap((line, i) =>
        (typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line))
          ? [`${path}:${i + 1}: ${line.trim()}`]
          : [],
      ),
  );
}

describe('the sources', () => {
  it('name no formation kind of a plugin outside the list of bundled plugins and manifests', () => {
    const sources = tracked('libs', 'apps').filter(
      (path) => path !== 'apps/pgaf/src/plugins.ts' && !/(package|package-lock|tsconfig)\.json$/.test(path),
    );
    expect(linesThatMatch(sources, /citus/i)).toEqual([]);
  });

  it('import packages by their exports only', () => {
    const outside = tracked('apps', 'libs', 'plugins').flatMap((path) => {
      if (!path.endsWith('.ts') || path.endsWith('.config.ts')) return [];
      const own = path.split('/').slice(0, 2).join('/');
      const relative = importsOf(path).filter((name) => name.startsWith('.'));
      return relative
        .filter((name) => !join(dirname(path), name).startsWith(`${own}/`))
        .map((name) => `${path}: ${name}`);
    });
    expect(outside).toEqual([]);
    const inside = tracked('*.ts', '*.mjs').flatMap((path) =>
      importsOf(path).filter((name) => /^@pgaf\/[^/]+\/(src|dist)\//.test(name)),
    );
    expect(inside).toEqual([]);
  });

  it('hold no path of the machine that they were written on', () => {
    const texts = tracked('*.md', '*.ts', '*.mjs', '*.json', '.ci');
    const checkout = `${root}/`;
    expect(linesThatMatch(texts, checkout)).toEqual([]);
    const pages = texts.filter((path) => path.endsWith('.md'));
    expect(linesThatMatch(pages, /(^|[^\w.])\/(home|root|Users|work|workspace|mnt)\/\w/)).toEqual([]);
  });
});
