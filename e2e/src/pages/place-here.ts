import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '@pgaf/core/testing/free-ports';
import { makeOwnedDirectory, postgresOwner } from '@pgaf/testing/owner';
import { endEverythingIn } from '@pgaf/testing/end-processes';
import { HOST_VARIABLE } from '@pgaf/testing/process-table';
import { pgafBin } from '@pgaf/testing/workspace';
import type { ReadingPlace } from './reading-place.js';
import { asItStands } from './rounds.js';
import { shellHere, Terminal, type Shell } from './terminal.js';
import { portsOf, type TypedCommand } from './typed-commands.js';

/** All terminals of the page on this machine, in a directory of its own, with free ports in the place of the page's. */
export class PlaceHere implements ReadingPlace {
  /** @param name The page says `/tmp/<name>` where it means its directory. */
  static async find(name: string, commands: readonly TypedCommand[]): Promise<PlaceHere> {
    const place = new PlaceHere(name);
    await place.takePorts(portsOf(commands));
    return place;
  }

  private readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-page-')));
  private readonly here = join(this.directory, 'here');
  private readonly shells: Shell[] = [];
  private readonly ports = new Map<string, string>();

  private constructor(private readonly name: string) {
    const owner = postgresOwner();
    for (const folder of ['.', 'here', 'config', 'share', 'run'])
      makeOwnedDirectory(join(this.directory, folder), owner);
    mkdirSync(join(this.directory, 'bin'));
    symlinkSync(pgafBin(), join(this.directory, 'bin', 'pgaf'));
  }

  private async takePorts(asked: readonly number[]): Promise<void> {
    const free = await freePorts(asked.length);
    asked.forEach((port, i) => this.ports.set(String(port), String(free[i])));
  }

  readonly rounds = asItStands;

  /** A text of the page with the directory and the ports of this reader. */
  asHere(text: string): string {
    return text
      .replaceAll(`/tmp/${this.name}`, this.here)
      .replace(/\b\d{4,5}\b/g, (number) => this.ports.get(number) ?? number);
  }

  open(): Promise<Terminal> {
    const { directory } = this;
    const shell = shellHere(this.here, directory, {
      PATH: `${join(directory, 'bin')}:${process.env['PATH']}`,
      HOME: directory,
      LANG: 'C.UTF-8',
      PAGER: 'cat',
      XDG_CONFIG_HOME: join(directory, 'config'),
      XDG_DATA_HOME: join(directory, 'share'),
      XDG_RUNTIME_DIR: join(directory, 'run'),
      [HOST_VARIABLE]: directory,
    });
    this.shells.push(shell);
    return Promise.resolve(new Terminal(shell));
  }

  logs(): Promise<string> {
    const names = readdirSync(this.here).filter((name) => name.endsWith('.log'));
    const tails = names.map(
      (name) => `--- ${name}\n${readFileSync(join(this.here, name), 'utf8').slice(-3000)}`,
    );
    return Promise.resolve(tails.join('\n'));
  }

  async close(): Promise<void> {
    for (const shell of this.shells) shell.close();
    await endEverythingIn(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
