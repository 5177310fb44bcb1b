import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addEvidenceSource, keepEvidence, removeEvidenceSource, type EvidenceSource } from './evidence.js';

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'pgaf-evidence-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const read = (file: string): string => readFileSync(join(folder, 'kept', file), 'utf8');
const keep = (): Promise<boolean> => keepEvidence(join(folder, 'kept'), 50);

async function whileThere(sources: readonly EvidenceSource[], act: () => Promise<void>): Promise<void> {
  sources.forEach(addEvidenceSource);
  try {
    await act();
  } finally {
    sources.forEach(removeEvidenceSource);
  }
}

it('keeps what is told, and says of the rest why there is none', async () => {
  const source = {
    evidence: () => ({
      'states.txt': () => Promise.resolve('node_1 primary'),
      'events.txt': () => Promise.reject(new Error('no monitor')),
      'node_1.log': () => new Promise<string>(() => undefined),
    }),
  };
  await whileThere([source], async () => expect(await keep()).toBe(true));
  expect(read('states.txt')).toBe('node_1 primary\n');
  expect(read('events.txt')).toBe('nothing: Error: no monitor\n');
  expect(read('node_1.log')).toBe('nothing: Error: no answer for 50 ms\n');
});

it('keeps what several tell apart', async () => {
  const saying = (text: string) => ({ evidence: () => ({ 'states.txt': () => Promise.resolve(text) }) });
  await whileThere([saying('one'), saying('other')], async () => void (await keep()));
  expect([read('1/states.txt'), read('2/states.txt')]).toEqual(['one\n', 'other\n']);
});

it('keeps nothing where nobody is left to ask', async () => {
  await whileThere([{ evidence: () => ({ 'states.txt': () => Promise.resolve('') }) }], () =>
    Promise.resolve(),
  );
  expect(await keep()).toBe(false);
  expect(existsSync(join(folder, 'kept'))).toBe(false);
});
