import { PassThrough } from 'node:stream';
import { emitKeypressEvents, type Key } from 'node:readline';
import { expect, it } from 'vitest';
import { commandOf, type Command } from './keys.js';

/** What bytes of a terminal mean, as Node reads them. */
function commandsOf(bytes: string): (Command | null)[] {
  const input = new PassThrough();
  const commands: (Command | null)[] = [];
  emitKeypressEvents(input);
  input.on('keypress', (_text: string | undefined, key: Key) => commands.push(commandOf(key)));
  input.write(bytes);
  return commands;
}

it.each<[Command, readonly string[]]>([
  ['quit', ['q', '\x03', '\x1bOP', '\x1b[11~', '\x1b[[A']],
  ['suspend', ['\x1a']],
  ['up', ['k', '\x10', '\x1b[A', '\x1bOA']],
  ['down', ['j', '\x0e', '\x1b[B', '\x1bOB']],
  ['left', ['h', '\x02', '\x1b[D', '\x1bOD']],
  ['right', ['l', '\x06', '\x1b[C', '\x1bOC']],
  ['start', ['0', '\x01', '\x1b[H', '\x1bOH', '\x1b[1~', '\x1b[7~']],
  ['end', ['$', '\x05', '\x1b[F', '\x1bOF', '\x1b[4~', '\x1b[8~']],
  ['page-up', ['\x15', '\x1b[5~']],
  ['page-down', ['\x04', '\x1b[6~']],
  ['clear', ['\x1b[3~']],
])('%s has its keys', (command, keys) => {
  for (const key of keys) expect([key, commandsOf(key)]).toEqual([key, [command]]);
});

it('other keys mean nothing', () => {
  expect(commandsOf('x7 \x1b[12~\r\x1bq')).toEqual([null, null, null, null, null, null]);
});
