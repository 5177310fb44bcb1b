import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './engine.mjs';
import { step } from '../tools/progress.mjs';

/** Where Debian's Postgres has its extensions. */
const places = (major) => ({
  libraries: `/usr/lib/postgresql/${major}/lib`,
  definitions: `/usr/share/postgresql/${major}/extension`,
});

/** @returns {string | null} the version of the Citus that is installed on this host for that Postgres */
export function hostCitus(major) {
  const { libraries, definitions } = places(major);
  const control = join(definitions, 'citus.control');
  if (!existsSync(control) || !existsSync(join(libraries, 'citus.so'))) return null;
  return /^default_version *= *'(\d+\.\d+)/m.exec(readFileSync(control, 'utf8'))?.[1] ?? null;
}

/**
 * An image that holds nothing but the extension as it is installed on this host, where a public image has it.
 * @returns {Promise<string>} its name
 */
export async function hostCitusImage(major, version) {
  const name = `citus-of-host:${version}-pg${major}`;
  const context = mkdtempSync(join(tmpdir(), 'pgaf-citus-'));
  try {
    for (const place of Object.values(places(major))) {
      const copy = join(context, 'files', place);
      mkdirSync(copy, { recursive: true });
      for (const file of readdirSync(place).filter((one) => one.startsWith('citus')))
        cpSync(join(place, file), join(copy, file), { recursive: true });
    }
    const file = join(context, 'Dockerfile');
    writeFileSync(file, 'FROM scratch\nCOPY files /\n');
    await step(`make ${name}`, () => build({ tag: name, file, context }));
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
  return name;
}
