import { main, setUp } from './set-up.mjs';
import { bundle, runTypeScript } from './run-typescript.mjs';

await main(async () => {
  const { pgctl } = await setUp();
  await runTypeScript('e2e/src/demo.ts', ['--pgctl', pgctl, '--reaper', await bundle('e2e/src/reaper.ts')]);
});
