import { afterAll, beforeAll } from 'vitest';
import { describeBadInput, type BadInput } from '../testing/bad-input.js';
import { Sandbox } from '../testing/run-pgaf.js';
import { startSingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();

beforeAll(async () => {
  sandbox.file('letter', 'dear reader');
  await startSingleNode(sandbox);
}, 90_000);

afterAll(() => sandbox.dispose());

const cases: readonly BadInput[] = [
  {
    what: 'no data directory',
    args: () => ['run'],
    status: 1,
    message: /No data directory/,
    hint: /--pgdata or PGDATA/,
  },
  {
    what: 'a data directory that nobody created',
    args: () => ['run', '--pgdata', sandbox.path('new')],
    status: 2,
    message: /not the data directory of a node/,
    hint: /pgaf create/,
  },
  {
    what: 'a service that does not run',
    args: () => ['stop', '--pgdata', sandbox.path('new')],
    status: 12,
    message: /No service runs/,
    hint: /./,
  },
  {
    what: 'a second service',
    args: () => ['run', '--pgdata', sandbox.path('first')],
    status: 12,
    message: /running already, with pid/,
    hint: /pgaf stop/,
  },
  {
    what: 'an empty data directory, as an unset variable leaves it',
    args: () => ['status', '--pgdata', ''],
    status: 1,
    message: /^--pgdata is empty\.$/,
    hint: /--pgdata or PGDATA/,
  },
  {
    what: 'two ways to stop',
    args: () => ['stop', '--pgdata', sandbox.path('first'), '--fast', '--immediate'],
    status: 1,
    message: /^--fast and --immediate exclude each other\.$/,
    hint: /Leave one/,
  },
  {
    what: 'a data directory that is a file',
    args: () => ['run', '--pgdata', sandbox.path('letter')],
    status: 2,
    message: /^\".*letter\" is not a directory\.$/,
    hint: /--pgdata/,
  },
];

describeBadInput(sandbox, cases);
