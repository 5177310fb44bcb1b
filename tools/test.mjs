import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { count } from './count.mjs';
import { ensureDocker } from './ensure-docker.mjs';
import { ensureImages } from './ensure-images.mjs';
import { ensureTestPrograms } from './ensure-test-programs.mjs';
import { environment, main, root, setUp } from './set-up.mjs';

function nx(env, ...args) {
  const program = join(root, 'node_modules', '.bin', 'nx');
  return spawnSync(program, [...args, '--skip-nx-cache'], { cwd: root, env, stdio: 'inherit' }).status === 0;
}

// Some scenarios measure time, so they come last, beside nothing else; the reports say what passed, the exit statuses are a second opinion.
await main(async () => {
  await setUp();
  ensureTestPrograms();
  rmSync(join(root, 'reports'), { recursive: true, force: true });
  const endDocker = await ensureDocker();
  const images = await ensureImages();
  const env = { ...environment, ...images.variables };
  const units = nx(env, 'run-many', '-t', 'test', '--parallel=2', '--exclude=e2e', '--output-style=stream');
  const scenarios = nx(env, 'run', 'e2e:test', '--output-style=stream');
  images.end();
  await endDocker();
  const counted = count();
  return images.areWell && units && scenarios && counted ? 0 : 1;
});
