import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sourceHash } from '../../../docker/source-hash.mjs';

const FILES = {
  'apps/pgaf/package.json': '{}',
  'apps/pgaf/bin/run.js': 'run',
  'apps/pgaf/dist/main.js': 'main',
  'apps/pgaf/dist/chunk.js': 'chunk',
  'docker/Dockerfile': 'FROM base',
  'docker/Dockerfile.citus': 'FROM pgaf',
  'docker/files/node.ini': '[formation]',
};

describe('the hash of what images are built from', () => {
  let directory = '';
  let one = '';
  let other = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pgaf-source-hash-'));
    [one, other] = [join(directory, 'one'), join(directory, 'elsewhere', 'other')];
    for (const [path, content] of Object.entries(FILES)) {
      mkdirSync(dirname(join(one, path)), { recursive: true });
      writeFileSync(join(one, path), content);
    }
    cpSync(one, other, { recursive: true });
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is the same for the same files in another place, with other modes', () => {
    chmodSync(join(other, 'apps/pgaf/bin/run.js'), 0o755);
    chmodSync(join(other, 'docker/files/node.ini'), 0o600);
    expect(sourceHash(other)).toBe(sourceHash(one));
    expect(sourceHash(one)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(Object.keys(FILES))('is another one when %s is', (path) => {
    writeFileSync(join(other, path), 'changed');
    expect(sourceHash(other)).not.toBe(sourceHash(one));
  });

  it('is another one when a file is new, has another name, or content moves into the next file', () => {
    writeFileSync(join(other, 'apps/pgaf/dist/new.js'), '');
    expect(sourceHash(other)).not.toBe(sourceHash(one));
    rmSync(join(other, 'apps/pgaf/dist/new.js'));
    writeFileSync(join(other, 'apps/pgaf/dist/chunk.js'), 'chunkm');
    writeFileSync(join(other, 'apps/pgaf/dist/main.js'), 'ain');
    expect(sourceHash(other)).not.toBe(sourceHash(one));
  });
});
