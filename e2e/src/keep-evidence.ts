import { keepEvidence } from '@pgaf/testing/evidence';
import { afterEach } from 'vitest';
import { failedTestFolder } from './failed-test-folder.js';

// What a test's file tells to be done after each of its tests comes before this; what ends formations comes later.
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  const names = [task.suite?.name ?? '', task.name].filter(Boolean);
  const folder = failedTestFolder(task.file.name, names);
  if (await keepEvidence(folder)) process.stderr.write(`what the scenario can tell is in ${folder}\n`);
}, 60_000);
