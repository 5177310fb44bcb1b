import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.js';

/** What `CREATE EXTENSION` would bring. */
export type AvailableExtension =
  | { readonly tag: 'available'; readonly version: string }
  | { readonly tag: 'missing'; readonly directory: string }
  /** Packagers may leave pg_config out, which alone knows where extensions are. */
  | { readonly tag: 'unknown' };

/** Looks in the files of the Postgres of this bin directory, which need not run. */
export async function availableExtension(bindir: string, name: string): Promise<AvailableExtension> {
  const share = await runProgram({ program: join(bindir, 'pg_config'), args: ['--sharedir'] }).catch(
    () => null,
  );
  if (share === null) return { tag: 'unknown' };
  const directory = join(share.stdout.trim(), 'extension');
  const control = await readFile(join(directory, `${name}.control`), 'utf8').catch(() => null);
  if (control === null) return { tag: 'missing', directory };
  const version = /^\s*default_version\s*=\s*'([^']*)'/m.exec(control)?.[1];
  return version === undefined ? { tag: 'unknown' } : { tag: 'available', version };
}

/** Versions such as `11.0`, `13.0-1`, `13.1devel`: numbers with points or dashes between, compared one after the other. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [have, want] = [version, wanted].map((text) => text.split(/[.-]/).map((part) => parseInt(part, 10)));
  for (const [i, number] of (want ?? []).entries()) {
    const own = have?.[i] ?? 0;
    if (own !== number) return own > number;
  }
  return true;
}
