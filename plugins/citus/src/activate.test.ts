import type { CommandContext, FormationView, NodeView } from '@pgaf/plugin-api';
import { expect, it } from 'vitest';
import { activate } from './activate.js';

const node = (id: number, role: string, change: Partial<NodeView> = {}): NodeView => ({
  ...{ id, name: `n${id}`, host: `h${id}`, port: 5432, role, cluster: 'default' },
  ...{ reported: 'single', goal: 'single', said: {} },
  ...change,
});

/** As the monitor answers: a coordinator that sends queries to this group, and a worker that may lead it. */
const context = (
  flags: CommandContext['flags'],
  { active, leader = 2 }: { readonly active?: number; readonly leader?: number | null } = {},
): CommandContext & { readonly printed: string[] } => {
  const said = active === undefined ? {} : { active: [{ group: active, host: 'h2', port: 5432 }] };
  const group = { epoch: 1, memory: {}, restored: false };
  const view: FormationView = {
    ...{ formation: 'default', kind: 'citus', dbname: 'citus' },
    groups: [
      { ...group, group: 0, leader: 1, nodes: [node(1, 'coordinator', { said })] },
      { ...group, group: 1, leader, nodes: [node(2, 'worker')] },
    ],
  };
  const printed: string[] = [];
  return {
    ...{ flags: { wait: 0, ...flags }, formation: 'default', node: null, printed },
    monitor: { query: <Row>() => Promise.resolve([{ view }] as Row[]) },
    print: (line) => void printed.push(line),
  };
};

it('a group is active that the coordinator sends queries to', async () => {
  const asked = context({ name: 'n2' }, { active: 1 });
  expect(await activate(asked)).toEqual({ group: 1, name: 'n2', host: 'h2', port: 5432 });
  expect(asked.printed).toEqual(['Group 1 is active, at "n2" (h2:5432).']);
});

it.each([
  ['nobody is named', {}, {}, 'which-node', /It is not said which worker/],
  ['who is named is not there', { name: 'x' }, {}, 'unknown-node', /There is no node "x" in the formation/],
  ['the wait is no time', { name: 'n2', wait: -1 }, {}, 'bad-wait', /--wait: "-1" is not allowed/],
  [
    'the coordinator has yet to add it',
    { name: 'n2' },
    {},
    'not-active',
    /Group 1 is not active after 0 s: the coordinator, node 1 "n1" \(h1:5432\), is to add this node\./,
  ],
  [
    'its group has no primary',
    { name: 'n2' },
    { leader: null },
    'not-active',
    /Group 1 is not active after 0 s: its group has no primary\./,
  ],
])('says why and what to do where %s', async (_what, flags, formation, code, message) => {
  await expect(activate(context(flags, formation))).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
    hint: expect.any(String) as string,
  });
});
