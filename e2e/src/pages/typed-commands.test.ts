import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@pgaf/testing/workspace';
import { describe, expect, it } from 'vitest';
import { commandsOf, portsOf } from './typed-commands.js';
import { comparedBy, masked } from './masking.js';

const docs = join(workspaceRoot(), 'docs');
const pages = readdirSync(docs).filter((name) => name.endsWith('.md'));

describe('commandsOf', () => {
  it('reads host, marks, continued commands and their output', () => {
    const page = [
      'Text. In `node1`:',
      '',
      '```console node1',
      '$ pgaf create postgres \\',
      '>   --pgport 6001 &',
      '$ pgaf version',
      'pgaf version 1',
      '```',
      '```sql',
      '$ not typed',
      '```',
      'In `app`:',
      '```console app eventually',
      '$ psql -c "select 1"',
      ' ?column?',
      '----------',
      '        1',
      '```',
    ].join('\n');
    const commands = commandsOf(page);
    expect(commands).toEqual([
      {
        host: 'node1',
        marks: [],
        command: 'pgaf create postgres \\\n  --pgport 6001 &',
        output: '',
        line: 4,
      },
      { host: 'node1', marks: [], command: 'pgaf version', output: 'pgaf version 1', line: 6 },
      {
        host: 'app',
        marks: ['eventually'],
        command: 'psql -c "select 1"',
        output: ' ?column?\n----------\n        1',
        line: 14,
      },
    ]);
    expect(portsOf(commands)).toEqual([6001]);
  });

  it('refuses a block without a host and one without an end', () => {
    expect(() => commandsOf('```console\n$ ls\n```')).toThrow('names its host');
    expect(() => commandsOf('In `app`:\n```console app\n$ ls')).toThrow('not closed');
  });

  it.each([
    ['nothing', ''],
    ['another terminal', 'In `node1`:\n\n'],
    ['a text about its name', '`app` is where clients are:\n\n'],
    ['a block that was typed before', 'In `app`:\n\n```console app\n$ ls\n```\n\n'],
  ])('refuses a block that has above it, for readers, %s', (_, above) => {
    const page = `${above}\`\`\`console app\n$ pwd\n\`\`\``;
    expect(() => commandsOf(page)).toThrow(/^line \d+: the text above the block ends with "In `app`:"$/);
  });
});

it.each(pages)('docs/%s tells readers where each of its commands is typed', (name) => {
  expect(() => commandsOf(readFileSync(join(docs, name), 'utf8'))).not.toThrow();
});

describe('masked', () => {
  it('hides positions, times, processes and widths, and nothing else', () => {
    const one =
      '14:57:16 992 INFO  Waiting\n   Name |  TLI: LSN\n--------+---------\n node_1 | 1: 0/3000148\n';
    const two =
      '09:01:00 31337 INFO  Waiting\nName |    TLI: LSN\n-----+-----------\nnode_1 | 1: 1/FF000028\n';
    expect(masked(one)).toBe(masked(two));
    expect(masked(one)).not.toBe(masked(two.replace('1: 1', '2: 1')));
  });

  it('hides how long ago something was', () => {
    expect(masked('as it said 16 s ago')).toBe(masked('as it said 3 s ago'));
    expect(masked('on timeline 2, no less; on')).toBe(masked('on timeline 2, 152 bytes less; on'));
  });

  it('hides versions, and no addresses', () => {
    expect(masked('pgaf version 0.1.0 on 127.0.0.1')).toBe('pgaf version <version> on 127.0.0.1');
  });
});

describe('comparedBy', () => {
  const table = 'Time | State\n-----+------\n10:00:00 | draining\n10:00:01 | primary\n';

  it('keeps the frame of a table whose rows come as they come', () => {
    expect(comparedBy(['alike'])(table)).toBe('Time | State\n--+--\n<time> | primary');
  });

  it('keeps the head of a table that may end in any row', () => {
    expect(comparedBy(['eventually', 'head'])(table)).toBe('Time | State\n--+--');
  });

  it('keeps it all where nothing else is said', () => {
    expect(comparedBy(['eventually'])(table)).toBe(masked(table));
  });
});
