import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { main, setUp } from './set-up.mjs';

// Packs what other people's suites install; the folder is the argument, `packages` unless told.
await main(async () => {
  await setUp();
  const { packTestPackages } = await import('./test-packages.mjs');
  const destination = resolve(process.argv[2] ?? 'packages');
  mkdirSync(destination, { recursive: true });
  for (const archive of await packTestPackages(destination)) process.stdout.write(`${archive}\n`);
});
