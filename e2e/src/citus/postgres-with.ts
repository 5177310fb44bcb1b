import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The files of a Postgres that has these extensions, by their versions; it cannot be started.
 * @returns the path of its pg_ctl.
 */
export function postgresWith(directory: string, extensions: Readonly<Record<string, string>>): string {
  const [bindir, sharedir] = [join(directory, 'bin'), join(directory, 'share')];
  mkdirSync(join(sharedir, 'extension'), { recursive: true });
  mkdirSync(bindir);
  const script = (program: string, text: string): void => {
    writeFileSync(join(bindir, program), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bindir, program), 0o755);
  };
  script('postgres', 'exit 1');
  script('pg_ctl', 'exit 1');
  script('pg_config', `if [ "$1" = --bindir ]; then echo ${bindir}; else echo ${sharedir}; fi`);
  for (const [extension, version] of Object.entries(extensions)) {
    const file = join(sharedir, 'extension', `${extension}.control`);
    writeFileSync(file, `default_version = '${version}'\n`);
  }
  return join(bindir, 'pg_ctl');
}
