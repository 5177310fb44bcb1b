import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run, step } from './progress.mjs';
import { environment, main, root } from './set-up.mjs';

// Node comes as an npm package of its own for each major version, into the packages' cache: nothing of the
// system changes, and the lock file does not know of it.
const PACKAGE = `node-linux-${process.arch}`;
const MAJORS = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24'];

await main(async () => {
  const results = [];
  for (const major of MAJORS) {
    const prefix = join(root, 'node_modules', '.cache', 'pgaf', `node-${major}`);
    mkdirSync(prefix, { recursive: true });
    await step(`Node ${major}`, () =>
      run(['npm', 'install', '--prefix', prefix, '--no-save', '--no-package-lock', `${PACKAGE}@${major}`]),
    );
    const bin = join(prefix, 'node_modules', PACKAGE, 'bin');
    const PATH = `${bin}${delimiter}${process.env.PATH}`;
    const node = join(bin, 'node');
    const { status } = spawnSync(node, [join(root, 'tools', 'test.mjs')], {
      cwd: root,
      env: { ...environment, PATH },
      stdio: 'inherit',
    });
    results.push(`Node ${major}: ${status === 0 ? 'passed' : 'failed'}`);
  }
  for (const result of results) process.stdout.write(`${result}\n`);
  return results.every((result) => result.endsWith('passed')) ? 0 : 1;
});
