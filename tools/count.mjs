import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { root } from './set-up.mjs';

/** The workspace's folders that hold a vitest.config.ts, with the name that its report goes by. */
function testedProjects() {
  const parents = ['apps', 'libs', 'plugins'];
  const folders = [
    ...parents
      .filter((name) => existsSync(join(root, name)))
      .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(parent, name))),
    'e2e',
    'bench',
  ];
  return folders.flatMap((folder) => {
    const file = join(root, folder, 'vitest.config.ts');
    if (!existsSync(file)) return [];
    const name = /vitest\w*For\('([^']+)'/.exec(readFileSync(file, 'utf8'))?.[1];
    return [{ folder, report: join(root, 'reports', `${(name ?? folder).replace('/', '-')}.json`) }];
  });
}

/** The tests that CONTRIBUTING.md allows to be skipped: a list of full names in backquotes under that heading. */
export function allowedSkips(contributing) {
  const section = contributing.split(/^## /m).find((part) => part.startsWith('Allowed skips')) ?? '';
  return new Set([...section.matchAll(/^- `([^`]+)`/gm)].map((match) => match[1]));
}

/** Whether a file failed although none of its tests did: it could not be loaded, or what starts or ends it threw. */
function failedOutsideItsTests(file) {
  return file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed');
}

/** How a message begins: its lines up to the trace, at most 500 characters, on one line. */
function beginning(message) {
  const lines = stripVTControlCharacters(message ?? '').split('\n');
  const trace = lines.findIndex((line) => /^\s+at /.test(line));
  const text = (trace === -1 ? lines : lines.slice(0, trace)).join(' ').replace(/\s+/g, ' ').trim();
  return text === '' ? '' : `: ${text.slice(0, 500)}`;
}

/**
 * What failed in one report of vitest, a line each, so that the end of a long run says what to look at.
 * @returns {string[]}
 */
export function failures(report) {
  return report.testResults.flatMap((file) => {
    const name = basename(file.name);
    if (failedOutsideItsTests(file)) return [`${name} failed outside its tests${beginning(file.message)}`];
    return file.assertionResults
      .filter((test) => test.status === 'failed')
      .map((test) => `${name}: ${test.fullName}${beginning(test.failureMessages?.[0])}`);
  });
}

/**
 * Adds up one report of vitest. A file that failed before its tests ran counts as one failure.
 * @returns {{ passed: number, failed: number, skipped: string[] }}
 */
export function tally(report) {
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const broken = report.testResults.filter(failedOutsideItsTests);
  return {
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: tests.filter((test) => test.status === 'failed').length + broken.length,
    skipped: tests.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.fullName),
  };
}

/**
 * Counts the runners' own reports; says on stderr what is wrong, and on stdout the one line with the numbers.
 * @returns {boolean} whether all is well: a report of every project, no failure, no skip that is not allowed
 */
export function count() {
  const allowed = allowedSkips(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'));
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  const complaints = [];
  for (const { folder, report } of testedProjects()) {
    if (!existsSync(report)) {
      complaints.push(`${folder} left no report: its tests did not run`);
      continue;
    }
    const results = JSON.parse(readFileSync(report, 'utf8'));
    const sum = tally(results);
    passed += sum.passed;
    failed += sum.failed;
    skipped += sum.skipped.length;
    if (sum.failed > 0) complaints.push(`${folder}: ${sum.failed} failed`);
    complaints.push(...failures(results).map((line) => `  ${line}`));
    for (const name of sum.skipped) {
      if (!allowed.has(name))
        complaints.push(`${folder} skipped "${name}", which CONTRIBUTING.md does not allow`);
    }
  }
  if (passed === 0) complaints.push('no test passed');
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  return complaints.length === 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = count() ? 0 : 1;
