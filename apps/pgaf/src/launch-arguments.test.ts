import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { launchArguments } from './launch-arguments.js';

const read = (line: string, env: Record<string, string> = {}) =>
  launchArguments(line.split(' ').filter(Boolean), env, '/home/ann');

describe('the command line before its command is known', () => {
  it('finds the data directory in every spelling, the last one wins', () => {
    for (const spelling of ['--pgdata /d', '--pgdata=/d', '-D /d', '-D/d', '-D /x -D /d']) {
      expect(read(`run ${spelling}`).pgdata).toBe('/d');
    }
    expect(read('run', { PGDATA: '/e' }).pgdata).toBe('/e');
    expect(read('run -D /d', { PGDATA: '/e' }).pgdata).toBe('/d');
    expect(read('run -D node/../x/').pgdata).toBe('/home/ann/x');
    expect(read('run', { PGDATA: '' }).pgdata).toBeNull();
  });

  it('finds the data directory of node run in its file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pgaf-launch-'));
    writeFileSync(join(folder, 'n.ini'), '[postgresql]\npgdata = /of/the/file\n');
    for (const line of ['node run n.ini', 'node run n.ini -v', 'node run --os-user pg n.ini']) {
      const found = launchArguments(line.split(' '), { PGDATA: '/e' }, folder);
      expect(found).toMatchObject({ pgdata: '/of/the/file', isService: true });
    }
    expect(read('node run /none.ini', { PGDATA: '/e' }).pgdata).toBeNull();
    rmSync(folder, { recursive: true });
  });

  it('counts -v and takes it away', () => {
    const seen = read('show state -vv --json --verbose');
    expect(seen.verbose).toBe(3);
    expect(seen.rest).toEqual(['show', 'state', '--json']);
  });

  it('takes the words before the first option for the command', () => {
    expect(read('create postgres --name x').words).toEqual(['create', 'postgres']);
    expect(read('--version').wantsVersion).toBe(true);
    expect(read('show state -h').wantsHelp).toBe(true);
    expect(read('show -- -h').wantsHelp).toBe(false);
    expect(read('create monitor --os-user=pg').osUser).toBe('pg');
  });

  it('takes global options before the command, and help as a command', () => {
    expect(read('-v -J show state -D /d')).toMatchObject({
      words: ['show', 'state'],
      rest: ['show', 'state', '-D', '/d', '-J'],
      verbose: 1,
    });
    expect(read('help show state')).toMatchObject({ words: ['show', 'state'], wantsHelp: true });
    expect(read('--pgdata /d show state').words).toEqual([]);
  });

  it('knows whether JSON is asked for', () => {
    expect(read('run -J -D /d').json).toBe(true);
    expect(read('run --json').json).toBe(true);
    expect(read('run -D /d').json).toBe(false);
  });

  it('tells services from commands', () => {
    for (const line of ['run -D /d', 'create monitor --run', 'create postgres -x', 'create postgres -sLx']) {
      expect(read(line).isService, line).toBe(true);
    }
    for (const line of ['create monitor', 'create postgres -n x', 'create postgres -Dx', 'stop -D run']) {
      expect(read(line).isService, line).toBe(false);
    }
  });
});
