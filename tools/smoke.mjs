import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { requireEngine } from '../docker/engine.mjs';
import { DEFAULT_SUITE } from '../docker/images.mjs';
import { ensureImages } from './ensure-images.mjs';
import { environment, main, root, setUp } from './set-up.mjs';

/** The smoke level of the tests in containers, on images of one suite: @returns whether it passed */
async function passes(suite) {
  const images = await ensureImages(suite);
  try {
    if (!images.areWell) return false;
    const vitest = join(root, 'node_modules', '.bin', 'vitest');
    const args = ['run', '--root', join(root, 'e2e'), 'src/containers/smoke'];
    const env = { ...environment, ...images.variables };
    return spawnSync(vitest, args, { cwd: root, env, stdio: 'inherit' }).status === 0;
  } finally {
    images.end();
  }
}

await main(async () => {
  const { positionals: suites } = parseArgs({ allowPositionals: true });
  if (process.getuid?.() !== 0)
    throw new Error('Only root sees the processes of containers: run this as root.');
  requireEngine();
  await setUp();
  const results = [];
  for (const suite of suites.length > 0 ? suites : [DEFAULT_SUITE])
    results.push({ suite, hasPassed: await passes(suite) });
  for (const { suite, hasPassed } of results)
    process.stdout.write(`${suite}: ${hasPassed ? 'passed' : 'failed'}\n`);
  return results.every(({ hasPassed }) => hasPassed) ? 0 : 1;
});
