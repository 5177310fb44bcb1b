import type { PgafError } from '@pgaf/core/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHost, formatKeywords, formatUri, parseConnInfo, redacted, type ConnInfo } from './conninfo.js';
import { OWN_KEYWORDS, REST_KEYWORDS, SSL_MODES, TARGET_SESSION_ATTRS } from './keywords.js';

const local = { host: '', port: 5432 };

describe('parseConnInfo', () => {
  it.each<[string, ConnInfo]>([
    ['', { hosts: [local], rest: {} }],
    ['postgres://', { hosts: [local], rest: {} }],
    ['postgresql:///mydb', { hosts: [local], dbname: 'mydb', rest: {} }],
    ['postgres://h', { hosts: [{ host: 'h', port: 5432 }], rest: {} }],
    [
      'postgres://u:p%40w@h1:1,h2:2/db?sslmode=require&target_session_attrs=read-write',
      {
        hosts: [
          { host: 'h1', port: 1 },
          { host: 'h2', port: 2 },
        ],
        user: 'u',
        password: 'p@w',
        dbname: 'db',
        sslmode: 'require',
        targetSessionAttrs: 'read-write',
        rest: {},
      },
    ],
    ['postgres://u@[::1]:6000/', { hosts: [{ host: '::1', port: 6000 }], user: 'u', rest: {} }],
    ['postgres://%2Ftmp%2Fx:6000/d', { hosts: [{ host: '/tmp/x', port: 6000 }], dbname: 'd', rest: {} }],
    ['postgres:///d?host=/tmp&port=6000', { hosts: [{ host: '/tmp', port: 6000 }], dbname: 'd', rest: {} }],
    ['postgres://u:p?w@h/', { hosts: [{ host: 'h', port: 5432 }], user: 'u', password: 'p?w', rest: {} }],
    ['postgres://h/?ssl=true', { hosts: [{ host: 'h', port: 5432 }], sslmode: 'require', rest: {} }],
    [
      'postgres://h,i:5433/',
      {
        hosts: [
          { host: 'h', port: 5432 },
          { host: 'i', port: 5433 },
        ],
        rest: {},
      },
    ],
    [
      'host=a,b port=7',
      {
        hosts: [
          { host: 'a', port: 7 },
          { host: 'b', port: 7 },
        ],
        rest: {},
      },
    ],
    [
      String.raw` user = 'x \'y\\' password=a\ b  connect_timeout=2 application_name='' keepalives=0`,
      { hosts: [local], user: "x 'y\\", password: 'a b', connectTimeout: 2, rest: { keepalives: '0' } },
    ],
    [
      'host=db hostaddr=10.0.0.1 dbname=x',
      { hosts: [{ host: 'db', port: 5432, hostaddr: '10.0.0.1' }], dbname: 'x', rest: {} },
    ],
    ['hostaddr=10.0.0.1', { hosts: [{ host: '', port: 5432, hostaddr: '10.0.0.1' }], rest: {} }],
  ])('reads %s', (text, expected) => {
    expect(parseConnInfo(text)).toEqual(expected);
  });

  it.each([
    ['postgres://h/?colour=red', '"colour" is not a keyword'],
    ['host=h colour=red', '"colour" is not a keyword'],
    ['postgres://h:99999/', '"99999"'],
    ['postgres://h:54x/', '"54x"'],
    ['postgres://[::1/', 'no closing bracket'],
    ['postgres://[::1]x/', '"x" follows'],
    ['postgres://h/?sslmode', '"sslmode" has no "="'],
    ['postgres://h/?user=a=b', 'more than one "="'],
    ['postgres://h/%zz', 'the database name has a %'],
    ['postgres://h/?sslmode=maybe', 'sslmode "maybe" is none of disable'],
    ['host=a,b,c port=1,2', 'port lists 2 ports for 3 hosts'],
    ['host=a,b hostaddr=1', 'hostaddr lists 1 addresses for 2 hosts'],
    ["host='a", 'no closing quote'],
    ['host', 'no "=" follows "host"'],
    ['=x', 'a "=" has no keyword'],
    ['connect_timeout=soon', 'connect_timeout "soon"'],
    ['http://h/db', 'no "=" follows "http://h/db"'],
    ['target_session_attrs=master', 'target_session_attrs "master"'],
  ])('refuses %s, naming the part', (text, part) => {
    let error: unknown;
    try {
      parseConnInfo(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'bad-conninfo', exit: 1 });
    expect((error as PgafError).message).toContain(part);
  });

  it('never repeats a password in an error', () => {
    for (const text of ['u:hush%zz@h/', 'u:x@hush@h/', 'u:hush/x@h/']) {
      expect(() => parseConnInfo(`postgres://${text}`)).toThrow(/^(?!.*hush).*%/);
    }
  });
});

const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((s) => !s.includes('\0'));
const hostName = fc.oneof(
  fc.constantFrom('node1', 'db.example.org', '/tmp/a b', '10.0.0.1', '::1', 'fe80::1%eth0'),
  fc.stringMatching(/^[^\s,\0]{1,12}$/),
);
const host = fc.record(
  { host: hostName, port: fc.integer({ min: 1, max: 65535 }), hostaddr: fc.ipV4() },
  { requiredKeys: ['host', 'port'] },
);
const someHosts = fc.oneof(
  fc.array(host, { minLength: 1, maxLength: 4 }),
  fc.record({ host: fc.constant(''), port: fc.integer({ min: 1, max: 65535 }) }).map((h) => [h]),
);
const anyConnInfo: fc.Arbitrary<ConnInfo> = fc.record(
  {
    hosts: someHosts,
    user: text,
    password: text,
    dbname: text,
    sslmode: fc.constantFrom(...SSL_MODES),
    targetSessionAttrs: fc.constantFrom(...TARGET_SESSION_ATTRS),
    sslrootcert: text,
    sslcrl: text,
    sslcert: text,
    sslkey: text,
    applicationName: text,
    connectTimeout: fc.integer({ min: 1, max: 100 }),
    passfile: text,
    options: text,
    rest: fc.dictionary(fc.constantFrom(...REST_KEYWORDS), text, { noNullPrototype: true }),
  },
  { requiredKeys: ['hosts', 'rest'] },
);

describe('the printed forms', () => {
  it('read back as the same value', () => {
    fc.assert(
      fc.property(anyConnInfo, (value) => {
        expect(parseConnInfo(formatUri(value))).toEqual(value);
        expect(parseConnInfo(formatKeywords(value))).toEqual(value);
      }),
    );
  });

  it('hide the password on request, and nothing else', () => {
    const info = parseConnInfo('postgres://u:geheim@h/db?sslpassword=hush&sslmode=require');
    expect(formatUri(redacted(info))).toBe('postgres://u:***@h:5432/db?sslmode=require&sslpassword=***');
    expect(formatKeywords(redacted(parseConnInfo('host=h user=u')))).toBe('host=h port=5432 user=u');
  });

  it('print what people know', () => {
    expect(
      formatUri(parseConnInfo('host=a,b dbname=db target_session_attrs=read-write sslmode=prefer')),
    ).toBe('postgres://a:5432,b:5432/db?target_session_attrs=read-write&sslmode=prefer');
    expect(formatHost({ host: '::1', port: 1 })).toBe('[::1]:1');
    expect(formatHost({ host: '', port: 1 })).toBe('local socket:1');
  });

  it('know no keyword twice', () => {
    expect(Object.keys(OWN_KEYWORDS).filter((word) => REST_KEYWORDS.has(word))).toEqual([]);
  });
});
