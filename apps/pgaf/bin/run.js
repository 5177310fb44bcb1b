#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const bundle = new URL('../dist/main.js', import.meta.url);
if (existsSync(fileURLToPath(bundle))) {
  const { main } = await import(bundle.href);
  await main(process.argv);
} else {
  process.stderr.write(`pgaf is not built: ${fileURLToPath(bundle)} is missing. Run: npm run build\n`);
  process.exitCode = 12;
}
