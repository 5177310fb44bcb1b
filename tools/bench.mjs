import { main, setUp } from './set-up.mjs';
import { runTypeScript } from './run-typescript.mjs';

await main(async () => {
  const { pgctl } = await setUp();
  await runTypeScript('bench/src/bench.ts', ['--pgctl', pgctl, ...process.argv.slice(2)]);
});
