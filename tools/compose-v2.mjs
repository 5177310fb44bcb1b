import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianMirror } from '../docker/base/debian-mirror.mjs';
import { succeeds } from './package-manager.mjs';
import { run, step } from './progress.mjs';
import { root } from './set-up.mjs';

/** Where the tests look for it; Debian 12 brings version 1 of Compose alone. */
export const COMPOSE_V2 = join(root, 'node_modules', '.cache', 'pgaf', 'compose-v2', 'docker-compose');
const SUITE = 'trixie';

/** Takes version 2 out of a later Debian's package, without installing it. */
export async function ensureComposeV2() {
  if (existsSync(COMPOSE_V2) || succeeds('docker', 'compose', 'version') || !succeeds('apt-get', '--version'))
    return;
  const folder = join(tmpdir(), `pgaf-compose-${process.pid}`);
  try {
    for (const name of ['lists/partial', 'archives/partial', 'out'])
      mkdirSync(join(folder, name), { recursive: true });
    const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
    writeFileSync(
      join(folder, 'sources.list'),
      `deb [signed-by=${keyring}] ${debianMirror()} ${SUITE} main\n`,
    );
    const settings = [
      `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::lists=${join(folder, 'lists')}`,
      `Dir::Cache=${folder}`,
      'APT::Sandbox::User=root',
    ].flatMap((setting) => ['-o', setting]);
    await step(`Compose v2 of Debian ${SUITE}`, async () => {
      await run(['apt-get', ...settings, 'update', '-q']);
      await run(['apt-get', ...settings, 'download', '-q', 'docker-compose'], { cwd: folder });
      const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
      await run(['dpkg-deb', '--extract', join(folder, archive ?? ''), join(folder, 'out')]);
      mkdirSync(join(COMPOSE_V2, '..'), { recursive: true });
      await run(['cp', join(folder, 'out/usr/libexec/docker/cli-plugins/docker-compose'), COMPOSE_V2]);
      chmodSync(COMPOSE_V2, 0o755);
    });
  } catch (error) {
    process.stderr.write(`No Compose v2: ${error instanceof Error ? error.message : error}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
