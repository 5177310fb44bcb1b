import { afterAll, beforeAll } from 'vitest';
import { describeBadInput, type BadInput } from '../testing/bad-input.js';
import { Sandbox } from '../testing/run-pgaf.js';
import { startSingleNode, type SingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();
let there: SingleNode;

beforeAll(async () => {
  there = await startSingleNode(sandbox);
}, 90_000);

afterAll(() => sandbox.dispose());

const cases: readonly BadInput[] = [
  {
    what: 'a switchover with no healthy standby',
    args: () => ['perform', 'switchover', '--monitor', there.monitorUri],
    status: 6,
    message: /The monitor answers/,
    hint: /./,
  },
  {
    what: 'a switchover of an unknown group',
    args: () => ['perform', 'failover', '--monitor', there.monitorUri, '--group', '7'],
    status: 1,
    message: /no group 7/,
    hint: /--group/,
  },
  {
    what: 'a node to drop that is unknown',
    args: () => ['drop', 'node', '--monitor', there.monitorUri, '--name', 'nobody'],
    status: 1,
    message: /no node named "nobody"/,
    hint: /show state/,
  },
  {
    what: 'the files of a node elsewhere',
    args: () => ['drop', 'node', '--monitor', there.monitorUri, '--name', 'first', '--destroy'],
    status: 1,
    message: /on the node itself/,
    hint: /./,
  },
  {
    what: 'a switchover of a formation that does not exist',
    args: () => ['perform', 'switchover', '--monitor', there.monitorUri, '--formation', 'nope'],
    status: 1,
    message: /^There is no formation "nope"\.$/,
    hint: /show uri/,
  },
  {
    what: 'a wait that no timer can hold',
    args: () => ['perform', 'switchover', '--wait', '9999999999', '--monitor', there.monitorUri],
    status: 1,
    message: /^--wait is \"9999999999\", which must be a whole number up to 2147483\.$/,
    hint: /./,
  },
  {
    what: 'a wait that is negative',
    args: () => ['drop', 'node', '--name', 'first', '--wait', '-1', '--monitor', there.monitorUri],
    status: 1,
    message: /^--wait is \"-1\", which must be a whole number from 0\.$/,
    hint: /./,
  },
  {
    what: 'a port of a node that is none',
    args: () => ['drop', 'node', '--hostname', 'x', '--pgport', '70000', '--monitor', there.monitorUri],
    status: 1,
    message: /^--pgport is \"70000\", which must be a whole number up to 65535\.$/,
    hint: /./,
  },
  {
    what: 'half an address of a node to drop',
    args: () => ['drop', 'node', '--hostname', 'x', '--monitor', there.monitorUri],
    status: 1,
    message: /not said which node/,
    hint: /--hostname and --pgport/,
  },
  {
    what: 'no node to drop at all',
    args: () => ['drop', 'node'],
    status: 1,
    message: /^It is not said which node to drop\.$/,
    hint: /--name.*--pgdata/,
  },
  {
    what: 'no node to drop of a monitor that is named',
    args: () => ['drop', 'node', '--monitor', there.monitorUri],
    status: 1,
    message: /^It is not said which node to drop\.$/,
    hint: /--name/,
  },
  {
    what: 'a monitor to drop as a node',
    args: () => ['drop', 'node', '--pgdata', sandbox.path('monitor')],
    status: 1,
    message: /not said which node/,
    hint: /on the node itself/,
  },
];

describeBadInput(sandbox, cases);
