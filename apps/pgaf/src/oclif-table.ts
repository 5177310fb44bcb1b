import { Command, Config, type Interfaces } from '@oclif/core';
import { EXIT, type ExitStatus } from '@pgaf/core/errors';
import type { AnyCommand, CommandContext, Work } from './command-spec.js';
import { refuseEmptyOptions } from './empty-option.js';
import { GLOBAL_FLAGS } from './global-flags.js';
import { VERSION } from './version.js';

/** oclif's way to write `show state`. */
export function commandId(name: string): string {
  return name.replaceAll(' ', ':');
}

/** An oclif command that parses its flags and hands them to the work of the spec. */
function classOf(spec: AnyCommand, context: () => CommandContext): Command.Class {
  class SpecCommand extends Command {
    static override readonly id = commandId(spec.name);
    static override readonly summary = spec.summary;
    static override readonly hidden = spec.hidden ?? false;
    static override readonly flags = spec.flags;
    static override readonly baseFlags = GLOBAL_FLAGS;
    static override readonly args = spec.args ?? {};

    async run(): Promise<ExitStatus> {
      const { flags, args } = await this.parse(SpecCommand);
      refuseEmptyOptions(flags);
      const work = (await spec.load()) as Work<object>;
      return (await work({ ...args, ...flags }, context())) ?? EXIT.ok;
    }
  }
  return SpecCommand as unknown as Command.Class;
}

/** Help prints arguments by a name of their own, which oclif gives them only where it reads a manifest. */
function withNames(args: object): object {
  return Object.fromEntries(Object.entries(args).map(([name, arg]) => [name, { ...arg, name }]));
}

/**
 * oclif's configuration over a table of commands that is in memory already: the commands of plugins are
 * known only at run time, and after root's rights are dropped nothing may be read beside the bundle.
 */
export async function oclifConfig(
  bin: string,
  topics: Readonly<Record<string, string>>,
  specs: readonly AnyCommand[],
  context: () => CommandContext,
): Promise<Config> {
  const pjson: Interfaces.PJSON = {
    name: 'pgaf',
    version: VERSION,
    oclif: {
      bin,
      topicSeparator: ' ',
      // Stdout is for results.
      helpOptions: { maxWidth: 100, sendToStderr: true },
      topics: Object.fromEntries(
        Object.entries(topics).map(([name, description]) => [commandId(name), { description }]),
      ),
    },
  };
  const classes = new Map(specs.map((spec) => [commandId(spec.name), classOf(spec, context)]));
  const commands = specs.map((spec): Command.Loadable => {
    const id = commandId(spec.name);
    const command = classes.get(id) as Command.Class;
    return {
      id,
      aliases: [],
      hiddenAliases: [],
      hidden: spec.hidden ?? false,
      summary: spec.summary,
      args: withNames(spec.args ?? {}) as unknown as Command.Loadable['args'],
      flags: { ...GLOBAL_FLAGS, ...spec.flags } as unknown as Command.Loadable['flags'],
      pluginName: 'pgaf',
      pluginAlias: 'pgaf',
      pluginType: 'core',
      load: async () => command,
    };
  });
  const root: Interfaces.Plugin = {
    _base: 'pgaf',
    alias: 'pgaf',
    name: 'pgaf',
    version: VERSION,
    type: 'core',
    root: '/',
    isRoot: true,
    moduleType: 'module',
    valid: true,
    hasManifest: false,
    hooks: {},
    options: { root: '/' },
    pjson,
    commands,
    commandIDs: [...classes.keys()],
    commandsDir: undefined,
    topics: Object.entries(topics).map(([name, description]) => ({ name: commandId(name), description })),
    findCommand: (async (id: string) => classes.get(id)) as Interfaces.Plugin['findCommand'],
    load: async () => undefined,
  };
  return Config.load({ root: '/', pjson, plugins: new Map([['pgaf', root]]) });
}
