import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A plugin that somebody asked for, and from where its name is looked up. */
export interface PluginSource {
  /** A path, or the name of a package. */
  readonly name: string;
  /** Folders to look in, in this order; a relative path counts from the first. */
  readonly folders: readonly string[];
  /** Who asked, for messages: `PGAF_PLUGINS`, or the path of `plugins.json`. */
  readonly askedBy: string;
}

/** A request that could not be read. */
export interface UnreadableSource {
  readonly askedBy: string;
  readonly reason: string;
}

export interface SourceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `$XDG_CONFIG_HOME`, absolute. */
  readonly configHome: string;
  /** The folder that names in `PGAF_PLUGINS` count from. */
  readonly workingDirectory: string;
  /** The folder that pgaf itself lives in. */
  readonly besidePgaf: string;
}

/** Which plugins `PGAF_PLUGINS` and `plugins.json` ask for, in that order. A missing file asks for none. */
export function requestedPlugins(options: SourceOptions): {
  readonly sources: readonly PluginSource[];
  readonly unreadable: readonly UnreadableSource[];
} {
  const sources: PluginSource[] = [];
  for (const name of (options.env['PGAF_PLUGINS'] ?? '').split(/[,:]/)) {
    if (name.trim() === '') continue;
    const folders = [options.workingDirectory, options.besidePgaf];
    sources.push({ name: name.trim(), folders, askedBy: 'PGAF_PLUGINS' });
  }
  const file = join(options.configHome, 'pgaf', 'plugins.json');
  const names = readNames(file);
  if (typeof names === 'string') return { sources, unreadable: [{ askedBy: file, reason: names }] };
  for (const name of names) {
    sources.push({ name, folders: [dirname(file), options.besidePgaf], askedBy: file });
  }
  return { sources, unreadable: [] };
}

/** The URL that `import()` takes, or null when no folder has it. */
export function resolvePlugin(source: PluginSource): string | null {
  const isPath = isAbsolute(source.name) || source.name.startsWith('.') || /\.[cm]?js$/.test(source.name);
  for (const folder of source.folders) {
    const require = createRequire(join(folder, 'resolve.js'));
    const candidates = isPath
      ? [isAbsolute(source.name) ? source.name : join(folder, source.name)]
      : [source.name];
    for (const candidate of candidates) {
      try {
        return pathToFileURL(require.resolve(candidate)).href;
      } catch {
        continue;
      }
    }
  }
  return null;
}

function readNames(file: string): readonly string[] | string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    return `cannot be read: ${(error as Error).message}`;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `is not JSON: ${(error as Error).message}`;
  }
  const isList =
    Array.isArray(value) && value.every((name) => typeof name === 'string' && name.trim() !== '');
  return isList ? (value as string[]) : 'must be an array of paths and package names';
}
