import type { TypedCommand } from './typed-commands.js';

/** What is typed in one terminal. */
export interface Typing {
  readonly terminal: string;
  readonly command: string;
}

const LOOP = /^(for \w+ in )([\w -]+)(; do (.*) done\b.*)$/s;

/** As it stands: in the terminal that the page names. */
export function asItStands({ host, command }: TypedCommand): Typing[][] {
  return [[{ terminal: host, command }]];
}

/**
 * Who has a machine for each terminal types a loop over machines on each of them, for that one alone: on all at once
 * where the loop leaves its commands in the background, otherwise on one after the other.
 * @returns Rounds, of what is typed at once.
 */
export function onEachMachine(step: TypedCommand, machines: ReadonlySet<string>): Typing[][] {
  const [, begin, list = '', rest, body = ''] = LOOP.exec(step.command) ?? [];
  const named = list.split(' ').filter(Boolean);
  if (begin === undefined || !named.every((name) => machines.has(name))) return asItStands(step);
  const typings = named.map((name) => ({ terminal: name, command: `${begin}${name}${rest}` }));
  return body.endsWith('&') ? [typings] : typings.map((typing) => [typing]);
}
