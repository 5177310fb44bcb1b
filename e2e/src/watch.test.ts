import { dirname } from 'node:path';
import { until } from '@pgaf/testing/deadline';
import { Formation } from '@pgaf/testing/formation';
import { pgafBin } from '@pgaf/testing/workspace';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AT_REST, isTmuxThere, Tmux } from './tmux.js';

const NODES = /^ *Name .*Reported State +Assigned State *$/;
const STABLE = /node_1 .* primary +primary *$/;
const LAST_ROW = /Press F1 to exit$/;

describe.skipIf(!isTmuxThere())('pgaf watch in a terminal', () => {
  let formation: Formation;
  let terminal: Tmux;

  beforeAll(async () => {
    formation = await Formation.create({ nodes: 2 });
  });
  afterAll(() => formation?.dispose());

  beforeEach(async () => {
    const home = dirname(formation.monitor.host.pgdata);
    terminal = new Tmux(formation.directory, {
      PATH: process.env['PATH'] ?? '',
      LANG: 'C.UTF-8',
      HOME: home,
      XDG_CONFIG_HOME: `${home}/config`,
      XDG_DATA_HOME: `${home}/share`,
      XDG_RUNTIME_DIR: `${home}/run`,
    });
    terminal.type('stty -g > modes; echo before');
    // What is typed ahead would be echoed into the midst of what commands print.
    await terminal.sees('a shell', (rows) => rows.includes('before'));
  });
  afterEach(() => terminal.close());

  const pgaf = `${process.execPath} ${pgafBin()}`;
  const looking = (command: string, ...more: string[]) =>
    terminal.type(
      `${pgaf} ${command} --monitor '${formation.monitorUri}' ${more.join(' ')}; echo "status $?"`,
    );
  const watching = (...more: string[]) => looking('watch', ...more);
  /** A picture is longer than what a terminal is given at once: its last row comes last. */
  const drawn = () =>
    terminal.sees(
      'both nodes, and how to leave',
      (rows) => rows.some((row) => STABLE.test(row)) && rows.some((row) => LAST_ROW.test(row)),
    );
  /** The shell's screen is back, with what stood there before, and what is typed can be seen. */
  const isBack = async (status: number): Promise<readonly string[]> => {
    const rows = await terminal.sees('the shell', (all) => all.includes(`status ${status}`));
    expect(rows).toContain('before');
    expect(terminal.state()).toEqual(AT_REST);
    terminal.type('stty -g | cmp - modes && echo line editing');
    await terminal.sees('the modes of the line', (all) => all.includes('line editing'));
    return rows;
  };

  it('draws title, nodes, events and how to leave', async () => {
    watching();
    const rows = await drawn();
    expect(rows[0]).toMatch(/^Formation: default - Sync Standbys: 0 {30,}\d\d:\d\d:\d\d$/);
    expect(rows[1]).toBe('');
    expect(rows[2]).toMatch(NODES);
    expect(rows[3]).toMatch(/node_1 .*yes .*50 .* read-write .*s +primary +primary$/);
    expect(rows[4]).toMatch(/node_2 .*yes .*50 .* read-only .*s +secondary +secondary$/);
    expect(rows[5]).toBe('');
    expect(rows[6]).toMatch(/Event Time .*Description/);
    const ids = rows.slice(7, 23).map((row) => Number(/^ *(?:\d+ )?/.exec(row)?.[0].trim()));
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
    expect(rows[23]).toMatch(/^ {100,}Press F1 to exit$/);
    expect(terminal.state()).toEqual({ alternate: '1', cursor: '0' });
  });

  it('follows the size of the window, down to one that is too small', async () => {
    watching();
    await drawn();
    terminal.resize(200, 40);
    await terminal.sees(
      'every column',
      (rows) =>
        rows.length === 40 &&
        /Name .*Region .*Quorum .*Priority .*Host:Port .*TLI: LSN .*Last Check .*Connection .*Last Report/.test(
          rows[2] ?? '',
        ) &&
        /^ {180,}Press F1 to exit$/.test(rows[39] ?? ''),
    );
    terminal.resize(50, 10);
    const narrow = await terminal.sees('few columns', (rows) =>
      /^ *Name +Report +Reported State +Assigned State$/.test(rows[2] ?? ''),
    );
    expect(narrow[0]).toMatch(/^Formation: default - Sync Standbys: 0 +\d\d:\d\d:\d\d$/);
    expect(narrow[9]).toMatch(/^ {30,}Press F1 to exit$/);
    terminal.resize(30, 10);
    await terminal.sees('that it is too small', (rows) => rows.join('') === 'Window too small: 10x30');
    terminal.resize(120, 24);
    await drawn();
  });

  it('selects rows of both tables, scrolls descriptions, and clears the selection', async () => {
    watching();
    await drawn();
    const selected = (what: string, pattern: RegExp) =>
      until({ what, deadlineMs: 30_000, seen: () => terminal.reversedRows().join('\n') }, () =>
        pattern.test(terminal.reversedRows().slice(1).join('\n')),
      );
    terminal.press('j');
    await selected('node_1', /^node_1 .*\n.*Event Time/);
    terminal.press('Down');
    await selected('node_2', /^node_2 .*\n.*Event Time/);
    terminal.press('C-n');
    await selected('the newest event', /^.*Event Time.*\n *\d+ .*\d\d:\d\d:\d\d/);
    terminal.press('DC');
    await selected('nothing', /^.*Event Time.*$/);
    const unscrolled = terminal.rows()[7];
    terminal.press('Right');
    await terminal.sees('descriptions scrolled', (rows) => rows[7] !== unscrolled);
    terminal.press('0');
    await terminal.sees('descriptions from their start', (rows) => rows[7] === unscrolled);
  });

  it.each([
    ['q', 'q', 'watch'],
    ['F1', 'F1', 'show state --watch'],
    ['Ctrl-C', 'C-c', 'show events --watch'],
  ])('gives the terminal back at %s', async (_what, key, command) => {
    looking(command);
    await drawn();
    terminal.press(key);
    await isBack(0);
  });

  it('gives the terminal back at SIGTERM', async () => {
    watching();
    await drawn();
    process.kill(terminal.program(), 'SIGTERM');
    await isBack(0);
  });

  it('says that the monitor is lost, and comes back with it', async () => {
    watching();
    await drawn();
    const { monitor } = formation;
    monitor.service?.signal('SIGINT');
    await monitor.service?.exited;
    const lost = await terminal.sees('a notice', (rows) =>
      /Out of date since \d\d:\d\d:\d\d/.test(rows[1] ?? ''),
    );
    expect(lost[1]).toContain('Cannot connect to the monitor');
    expect(lost[3]).toMatch(STABLE);
    await terminal.sees('ages that go on', (rows) => / [5-9]s +primary/.test(rows[3] ?? ''));
    await formation.restart(monitor);
    await terminal.sees('no notice', (rows) => rows[1] === '' && STABLE.test(rows[3] ?? ''));
    terminal.press('q');
    await isBack(0);
  });

  it('gives the terminal back before it tells of an error of its own', async () => {
    const thrower = "process.on('SIGUSR2',()=>{throw(new(Error)('thrown'))})";
    terminal.type(`export NODE_OPTIONS="--import=data:text/javascript,${thrower}"`);
    watching();
    await drawn();
    process.kill(terminal.program(), 'SIGUSR2');
    const rows = await isBack(12);
    expect(rows.join('\n')).toMatch(/ERROR Unexpected: thrown/);
  });

  it('gives the terminal to the shell at Ctrl-Z, and draws again in the foreground', async () => {
    watching();
    await drawn();
    terminal.press('C-z');
    await terminal.sees('the shell', (rows) => rows.some((row) => row.includes('Stopped')));
    expect(terminal.state()).toEqual(AT_REST);
    terminal.type('fg');
    await drawn();
    terminal.press('q');
    await terminal.sees('the shell', () => terminal.state().alternate === AT_REST.alternate);
  });

  it('says on the shell’s screen what it cannot find', async () => {
    watching('--formation', 'nope');
    const rows = await isBack(1);
    expect(rows.join('\n')).toMatch(/There is no formation "nope"/);
  });

  it('asks the monitor of --pgdata; waits for it with --wait, and not without', async () => {
    const { monitor } = formation;
    monitor.service?.signal('SIGINT');
    await monitor.service?.exited;
    watching();
    expect((await isBack(6)).join('\n')).toMatch(/Cannot connect to the monitor/);
    terminal.type(`clear; ${pgaf} watch --pgdata ${monitor.host.pgdata} --wait; echo "status $?"`);
    await terminal.sees('what it waits for', (rows) =>
      rows.some((row) => /The Postgres of the monitor is not running\. Waiting for it/.test(row)),
    );
    await formation.restart(monitor);
    await drawn();
    terminal.press('q');
    await terminal.sees('the shell', (all) => all.includes('status 0'));
  });
});
