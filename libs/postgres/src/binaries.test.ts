import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findBindir, versionOf } from './binaries.js';
import { temporaryDirectory } from './testing/servers.js';

async function fakeServer(root: string, name: string, version: string): Promise<string> {
  const bindir = join(root, name, 'bin');
  await mkdir(bindir, { recursive: true });
  for (const program of ['pg_ctl', 'postgres']) {
    await writeFile(join(bindir, program), `#!/bin/sh\necho "${program} (PostgreSQL) ${version}"\n`);
    await chmod(join(bindir, program), 0o755);
  }
  return bindir;
}

test('finds the server in each place, in order', async () => {
  const root = await temporaryDirectory();
  const a = await fakeServer(root, 'a', '16.2 (Debian)');
  const b = await fakeServer(root, 'b', '19devel');
  const links = join(root, 'links');
  await mkdir(links);
  await symlink(join(a, 'pg_ctl'), join(links, 'pg_ctl'));
  const debianRoot = join(root, 'none');

  expect(await findBindir({ pgCtl: join(b, 'pg_ctl'), env: { PATH: a } })).toBe(b);
  expect(await findBindir({ env: { PATH: `${links}:${a}` }, debianRoot })).toBe(a);
  await expect(findBindir({ env: { PATH: `${a}:${b}` } })).rejects.toMatchObject({ code: 'pgctl-ambiguous' });
  await expect(findBindir({ env: { PATH: links.concat('/x') }, debianRoot })).rejects.toMatchObject({
    code: 'pgctl-not-found',
  });
  await expect(findBindir({ pgCtl: join(root, 'pg_ctl') })).rejects.toMatchObject({
    code: 'pgctl-not-found',
  });
  const config = join(root, 'pg_config');
  await writeFile(config, `#!/bin/sh\necho ${b}\n`);
  await chmod(config, 0o755);
  expect(await findBindir({ env: { PATH: a, PG_CONFIG: config } })).toBe(b);
  expect(await findBindir({ env: { PATH: dirname(config) }, debianRoot })).toBe(b);
  await expect(findBindir({ env: { PATH: '' }, debianRoot: root })).rejects.toMatchObject({
    code: 'pgctl-ambiguous',
  });
  await rm(join(root, 'b'), { recursive: true });
  expect(await findBindir({ env: { PATH: '' }, debianRoot: root })).toBe(a);
  expect(await versionOf(a)).toEqual({ major: 16, text: '16.2 (Debian)' });
  await rm(root, { recursive: true });
});

test('the real one has a version', async () => {
  const { major } = await versionOf(await findBindir());
  expect(major).toBeGreaterThanOrEqual(13);
});
