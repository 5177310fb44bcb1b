import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from './run-typescript.mjs';

const { simulate } = await import(pathToFileURL(await bundle('libs/simulator/src/simulate.ts')).href);
process.exitCode = simulate(process.argv.slice(2), {
  print: console.log,
  readFile: (path) => readFileSync(path, 'utf8'),
  keep: (name, text) => {
    mkdirSync('reports', { recursive: true });
    const path = join('reports', name);
    writeFileSync(path, text);
    return path;
  },
});
