import { BugError, EXIT, UserError } from '@pgaf/core/errors';
import { baseEdgeTable, spliceEdges, type EdgeTable } from '@pgaf/fsm/edge-table';
import { baseRuleBook, spliceRules, type RuleBook } from '@pgaf/fsm/rule-book';
import type { KeeperPart } from '@pgaf/plugin-api/keeper-part';
import type { Plugin, RoleDefinition } from '@pgaf/plugin-api/plugin';
import { whyNot, type Taken } from './check-plugin.js';
import { guardPlugin } from './guarded-plugin.js';
import { requestedPlugins, resolvePlugin, type SourceOptions } from './plugin-sources.js';

export interface HostOptions extends SourceOptions {
  /** The plugins that come with pgaf; one that fails its check is a bug. */
  readonly bundled: readonly Plugin[];
  readonly coreCommands: Taken['commands'];
  readonly coreCreateFlags: Taken['createFlags'];
  /** Version of the monitor's schema of this program. */
  readonly schema: number;
}

/** A plugin that was asked for and is not used, and why. */
export interface RefusedPlugin {
  /** The path or package name that was asked for. */
  readonly name: string;
  readonly askedBy: string;
  readonly reason: string;
}

export interface RoleOwner {
  readonly plugin: Plugin;
  readonly role: RoleDefinition;
}

export interface PluginHost {
  /** The formation kinds that there is a plugin for, the bundled ones first. */
  kinds(): readonly string[];
  /** @throws UserError `unknown-kind`. */
  plugin(kind: string): Plugin;
  /** By the role's name, or by its word after `pgaf create`. */
  roleOwner(nameOrCommand: string): RoleOwner | undefined;
  /** The core's rules with the patches of this kind. @throws UserError `unknown-kind`. */
  ruleBook(kind: string): RuleBook;
  /** The core's edges with the patches of this kind for this role. @throws UserError `unknown-kind`. */
  edgeTable(kind: string, role: string): EdgeTable;
  /** What the kind adds to a keeper, loaded once; an empty part when it adds nothing. */
  keeperPart(kind: string): Promise<KeeperPart>;
  readonly refused: readonly RefusedPlugin[];
}

interface Loaded {
  readonly plugin: Plugin;
  readonly ruleBook: RuleBook;
  readonly edgeTables: ReadonlyMap<string, EdgeTable>;
}

/**
 * Loads the bundled plugins and the requested ones. A requested plugin that fails its check is left out
 * whole and listed in `refused`; the others go on.
 */
export async function loadPlugins(options: HostOptions): Promise<PluginHost> {
  const loaded = new Map<string, Loaded>();
  const admit = (exported: unknown): string | null => {
    const plugins = [...loaded.values()].map((entry) => entry.plugin);
    const reason = whyNot(exported, {
      commands: options.coreCommands,
      createFlags: options.coreCreateFlags,
      schema: options.schema,
      plugins,
    });
    if (reason !== null) return reason;
    const plugin = guardPlugin(exported as Plugin);
    const spliced = splice(plugin);
    if (typeof spliced === 'string') return spliced;
    loaded.set(plugin.kind, spliced);
    return null;
  };
  for (const plugin of options.bundled) {
    const reason = admit(plugin);
    if (reason !== null)
      throw new BugError(`The bundled plugin ${plugin.packageName} is refused: ${reason}.`);
  }
  const { sources, unreadable } = requestedPlugins(options);
  const refused: RefusedPlugin[] = unreadable.map((file) => ({ ...file, name: file.askedBy }));
  for (const source of sources) {
    const url = resolvePlugin(source);
    const reason =
      url === null ? `it is not found in ${source.folders.join(' or ')}` : await admitModule(url, admit);
    if (reason !== null) refused.push({ name: source.name, askedBy: source.askedBy, reason });
  }
  return hostOf(loaded, refused);
}

async function admitModule(url: string, admit: (exported: unknown) => string | null): Promise<string | null> {
  let module: { default?: unknown };
  try {
    module = (await import(url)) as { default?: unknown };
  } catch (error) {
    return `it cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
  return admit(module.default);
}

/** The tables of a kind, or why its patches do not fit the core's. */
function splice(plugin: Plugin): Loaded | string {
  try {
    const ruleBook = spliceRules(baseRuleBook(), plugin);
    const edgeTables = new Map<string, EdgeTable>();
    for (const role of plugin.roles) {
      edgeTables.set(role.name, spliceEdges(baseEdgeTable(), plugin.edgePatches ?? [], role.name));
    }
    return { plugin, ruleBook, edgeTables };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError)
      return `its patches do not fit: ${error.message}`;
    throw error;
  }
}

function hostOf(loaded: ReadonlyMap<string, Loaded>, refused: readonly RefusedPlugin[]): PluginHost {
  const parts = new Map<string, Promise<KeeperPart>>();
  const entry = (kind: string): Loaded => {
    const found = loaded.get(kind);
    if (found) return found;
    throw new UserError(`There is no plugin for the formation kind "${kind}".`, {
      code: 'unknown-kind',
      exit: EXIT.badConfiguration,
      hint: `Install the plugin's package and name it in PGAF_PLUGINS or plugins.json; known kinds: ${[...loaded.keys()].join(', ')}.`,
    });
  };
  return {
    refused,
    kinds: () => [...loaded.keys()],
    plugin: (kind) => entry(kind).plugin,
    roleOwner(nameOrCommand) {
      for (const { plugin } of loaded.values()) {
        const role =
          plugin.roles.find((one) => one.name === nameOrCommand) ??
          plugin.roles.find((one) => one.command === nameOrCommand);
        if (role) return { plugin, role };
      }
      return undefined;
    },
    ruleBook: (kind) => entry(kind).ruleBook,
    edgeTable(kind, role) {
      const table = entry(kind).edgeTables.get(role);
      if (table) return table;
      throw new UserError(`Formations of kind "${kind}" have no role "${role}".`, {
        code: 'unknown-role',
        exit: EXIT.badConfiguration,
        hint: 'The plugin that created this node is of another version; install that one.',
      });
    },
    async keeperPart(kind) {
      const { plugin } = entry(kind);
      const part = parts.get(kind) ?? Promise.resolve(plugin.keeper?.() ?? {});
      parts.set(kind, part);
      return part;
    },
  };
}
