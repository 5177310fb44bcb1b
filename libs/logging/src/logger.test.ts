import { spawnSync } from 'node:child_process';
import { inspect } from 'node:util';
import { EXIT, BugError, ProgramError, UserError } from '@pgaf/core/errors';
import { describe, expect, it } from 'vitest';
import { createLogger, levelOf, type Logger, type LoggerOptions } from './logger.js';
import { redactText } from './redact.js';
import { Secret } from './secret.js';

function written(work: (log: Logger) => void, options: Partial<LoggerOptions> = {}): string {
  let text = '';
  const destination = { write: (line: string) => (text += line) };
  work(createLogger({ level: 'trace', format: 'pretty', destination, ...options }));
  return text;
}

const HEAD = String.raw`\d\d:\d\d:\d\d ${process.pid} `;

describe('the pretty form', () => {
  it('is one line: time, pid, level, sentence, fields', () => {
    const text = written((log) =>
      log.info('Assigned 100% now', { node: 'n1', lsn: '0/1', reason: 'a b', n: 2 }),
    );
    expect(text).toMatch(new RegExp(`^${HEAD}INFO  Assigned 100% now node=n1 lsn=0/1 reason="a b" n=2\\n$`));
    expect(written((log) => log.error('x'))).toMatch(new RegExp(`^${HEAD}ERROR x\\n$`));
  });

  it('keeps what a message says with signs that a formatter would take', () => {
    expect(written((log) => log.info('%s %d %% %o', { a: 1 }))).toContain('INFO  %s %d %% %o a=1\n');
  });

  it('prints an error with its causes, and the hint on a line of its own', () => {
    const cause = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' });
    const error = new UserError('Cannot connect', {
      code: 'x',
      exit: EXIT.monitor,
      hint: 'Start it.',
      cause,
    });
    const lines = written((log) => log.error('Cannot connect', { error })).split('\n');
    expect(lines.map((line) => line.trim()).slice(1)).toEqual([
      'caused by: connect refused',
      'hint: Start it.',
      '',
    ]);
  });

  it('prints the cause of a foreseen error once, and without a stack', () => {
    const options = { code: 'x', exit: EXIT.monitor, hint: 'h', cause: new TypeError('lost') };
    const other = written((log) => log.error('No', { error: new UserError('No', options) }));
    expect(other).toMatch(/No\n +caused by: lost\n +hint: h\n$/);
    const same = written((log) => log.error('It is lost', { error: new UserError('It is lost', options) }));
    expect(same).toMatch(/It is lost\n +hint: h\n$/);
  });

  it('prints the last lines of a program, and the stack of a bug alone', () => {
    const program = new ProgramError('initdb failed', {
      code: 'initdb',
      exit: EXIT.pgctl,
      command: 'initdb',
      exitStatus: 1,
      lastLines: 'a\nb\n',
    });
    const text = written((log) => log.error('Cannot create', { error: program }));
    expect(text).toMatch(/initdb failed\n\s+a\n\s+b\n$/);
    expect(written((log) => log.error('Oops', { error: new BugError('no') }))).toMatch(
      /BugError: no\n\s+at /,
    );
    expect(written((log) => log.error('Oops', { error: new TypeError('no') }))).toMatch(
      /TypeError: no\n\s+at /,
    );
  });
});

describe('the JSON form', () => {
  it('is an object on a line, with the fields of the child', () => {
    const text = written((log) => log.child({ service: 'keeper' }).warn('m', { n: 1n, gone: undefined }), {
      format: 'json',
    });
    const record: unknown = JSON.parse(text);
    expect(record).toEqual({
      level: 'warn',
      time: expect.any(Number),
      pid: process.pid,
      service: 'keeper',
      n: '1',
      msg: 'm',
    });
  });

  it('holds an error as data', () => {
    const error = new UserError('m', { code: 'c', exit: 1, hint: 'h', cause: 'why' });
    const record: unknown = JSON.parse(written((log) => log.error('x', { error }), { format: 'json' }));
    expect(record).toMatchObject({
      error: { name: 'UserError', message: 'm', code: 'c', hint: 'h', cause: { message: 'why' } },
    });
  });
});

describe('levels', () => {
  it('can be changed, also for the loggers that were made before', () => {
    const lines: string[] = [];
    const log = createLogger({
      level: 'error',
      format: 'pretty',
      destination: { write: (line) => lines.push(line) },
    });
    const child = log.child({ node: 1 });
    child.info('before');
    log.setLevel('info');
    child.info('after');
    log.setLevel('warn');
    log.info('at last');
    expect(lines).toEqual([expect.stringContaining('after')]);
  });

  it('below the chosen one say nothing', () => {
    expect(written((log) => log.debug('x'), { level: 'info' })).toBe('');
  });

  it.each([
    [true, 3, 'error'],
    [false, 0, 'info'],
    [false, 1, 'info'],
    [false, 2, 'debug'],
    [false, 3, 'trace'],
    [false, 4, 'trace'],
  ])('quiet %s, verbose %i: %s', (quiet, verbose, level) => {
    expect(levelOf({ quiet, verbose })).toBe(level);
  });
});

describe('redaction', () => {
  it.each([
    ['postgres://u:hush@h:1/db', 'postgres://u:***@h:1/db'],
    ['at "postgresql://u:hush@h/db?x=1", then', 'at "postgresql://u:***@h/db?x=1", then'],
    ['postgres://u:hu/sh@h', 'postgres://u:***@h'],
    ['postgres://u:h@hush@h/db', 'postgres://u:***@h/db'],
    ['postgres://u@h:5432/db', 'postgres://u@h:5432/db'],
    ['postgres://h/db?password=hush&sslmode=x', 'postgres://h/db?password=***&sslmode=x'],
    ['host=h password=hush user=u', 'host=h password=*** user=u'],
    ["password = 'hu sh\\' x' user=u", 'password = *** user=u'],
    ['sslpassword=hush', 'sslpassword=***'],
    ['password=hu&sh', 'password=***'],
    ['PGPASSWORD=hush pg_basebackup', 'PGPASSWORD=*** pg_basebackup'],
    ["ALTER ROLE r PASSWORD 'hu''sh';", "ALTER ROLE r PASSWORD '***';"],
    ['password authentication failed', 'password authentication failed'],
  ])('of %s', (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  it.each(['pretty', 'json'] as const)('covers messages, fields, errors and children in %s', (format) => {
    const error = new Error('to postgres://u:hush@h', { cause: new Error('password=hush') });
    const text = written(
      (log) =>
        log.child({ uri: 'postgres://u:hush@h' }).error('host=h password=hush', {
          error,
          password: 'hush',
          nested: { replicationPassword: 'hush', list: ['postgres://u:hush@h'], secret: new Secret('hush') },
        }),
      { format },
    );
    expect(text).not.toContain('hush');
    expect(text).toContain('***');
  });

  it('a Secret prints nothing of itself', () => {
    const secret = new Secret('hush');
    expect(
      [`${secret}`, JSON.stringify({ secret }), inspect({ secret }), String(secret)].join(),
    ).not.toContain('hush');
    expect(secret.reveal()).toBe('hush');
  });
});

describe('stderr', () => {
  it('gets the line before the process exits, as JSON when it is no terminal', () => {
    const file = new URL('./logger.ts', import.meta.url).pathname;
    const script = `import('vite').then(async (vite) => {
      const server = await vite.createServer({ configFile: false, logLevel: 'silent', server: { middlewareMode: true },
        ssr: { resolve: { conditions: ['@pgaf/source'] } } });
      const { createLogger } = await server.ssrLoadModule(${JSON.stringify(file)});
      createLogger({ level: 'info' }).info('last words');
      process.exit(0);
    })`;
    const child = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 30_000 });
    expect(child.stdout).toBe('');
    expect(JSON.parse(child.stderr)).toMatchObject({ level: 'info', msg: 'last words' });
  }, 40_000);
});
