import { main, setUp } from './set-up.mjs';
import { bundle, runTypeScript } from './run-typescript.mjs';

await main(async () => {
  const { pgctl } = await setUp();
  const args = ['--pgctl', pgctl, '--reaper', await bundle('e2e/src/reaper.ts'), ...process.argv.slice(2)];
  await runTypeScript('e2e/src/citus-chaos.ts', args);
});
