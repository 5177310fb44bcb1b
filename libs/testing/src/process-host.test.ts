import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { LOOPBACK, ProcessHost } from './process-host.js';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-host-')));
afterAll(() => rmSync(directory, { recursive: true }));

it('tells the ends of the logs that are there, also when one goes between the list and the look', async () => {
  const host = new ProcessHost({ name: 'one', directory, location: LOOPBACK, bin: '', owner: null });
  writeFileSync(join(directory, 'service-1.log'), 'first words\nlast words\n');
  // It is in the list, and cannot be read.
  symlinkSync(join(directory, 'nowhere'), join(directory, 'service-2.log'));
  expect(await host.logTail(1)).toBe('--- one: service-1.log\nlast words');
});
