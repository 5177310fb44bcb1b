import { requirementsReason } from './check-requirements.js';
import { CONTRACT_VERSION } from '@pgaf/plugin-api';
import type { FlagDefinition } from '@pgaf/plugin-api/plugin-command';
import type { Plugin } from '@pgaf/plugin-api/plugin';

/** Words after `pgaf`, blank-separated, as commands are typed. */
const COMMAND = /^[a-z][a-z0-9-]*( [a-z][a-z0-9-]*)*$/;
const WORD = /^[a-z][a-z0-9_-]*$/;
const FLAG = /^[a-z][a-z0-9-]+$/;
const FLAG_TYPES: Readonly<Record<string, string>> = {
  text: 'string',
  integer: 'number',
  boolean: 'boolean',
};
const FUNCTIONS = ['assignGroup', 'nodeName'] as const;
const OPTIONAL_FUNCTIONS = ['validateNode', 'validateRemoval', 'removalLoss', 'uris', 'keeper'] as const;

/** What the core has already, that a plugin must not take. */
export interface Taken {
  /** Ids of core commands, words separated by blanks. */
  readonly commands: ReadonlySet<string>;
  /** Long names of the flags that `pgaf create <role>` has by itself. */
  readonly createFlags: ReadonlySet<string>;
  /** Version of the monitor's schema of this program. */
  readonly schema: number;
  readonly plugins: readonly Plugin[];
}

/**
 * Why this module's default export cannot be used as a plugin, one sentence; null when it can. Plugins come
 * from outside, in any language that compiles to JavaScript: nothing about their shape is taken on trust.
 */
export function whyNot(exported: unknown, taken: Taken): string | null {
  const shape = shapeOf(exported);
  if (shape !== null) return shape;
  const plugin = exported as Plugin;
  return (
    contractReason(plugin) ??
    rangesReason(plugin, taken.schema) ??
    kindReason(plugin, taken.plugins) ??
    rolesReason(plugin, taken) ??
    requirementsReason(plugin) ??
    commandsReason(plugin, taken)
  );
}

function shapeOf(exported: unknown): string | null {
  if (typeof exported !== 'object' || exported === null || !('tag' in exported)) {
    return 'its default export was not made by definePlugin()';
  }
  const plugin = exported as Record<string, unknown>;
  if (plugin['tag'] !== 'pgaf-plugin') return 'its default export was not made by definePlugin()';
  for (const name of ['kind', 'packageName', 'version', 'contract']) {
    if (typeof plugin[name] !== 'string' || plugin[name] === '') return `its "${name}" is not a text`;
  }
  for (const name of FUNCTIONS) {
    if (typeof plugin[name] !== 'function') return `its "${name}" is not a function`;
  }
  for (const name of OPTIONAL_FUNCTIONS) {
    if (plugin[name] !== undefined && typeof plugin[name] !== 'function')
      return `its "${name}" is not a function`;
  }
  if (!Array.isArray(plugin['roles']) || plugin['roles'].length === 0) return 'it has no roles';
  for (const name of ['rulePatches', 'edgePatches', 'requirements', 'commands']) {
    if (plugin[name] !== undefined && !Array.isArray(plugin[name])) return `its "${name}" is not a list`;
  }
  for (const [name, guard] of Object.entries(plugin['guards'] ?? {})) {
    if (typeof guard !== 'function') return `its guard "${name}" is not a function`;
  }
  return null;
}

function contractReason(plugin: Plugin): string | null {
  const [major, minor] = versionOf(CONTRACT_VERSION);
  const [theirMajor, theirMinor] = versionOf(plugin.contract);
  if (theirMajor === major && theirMinor <= minor) return null;
  return `it was written for version ${plugin.contract} of the plugin contract, this pgaf has ${CONTRACT_VERSION}`;
}

function versionOf(contract: string): readonly [number, number] {
  const found = /^(\d+)\.(\d+)$/.exec(contract);
  return [Number(found?.[1] ?? Number.NaN), Number(found?.[2] ?? Number.NaN)];
}

function rangesReason(plugin: Plugin, schema: number): string | null {
  for (const name of ['schema', 'postgres'] as const) {
    const range: unknown = plugin.ranges?.[name];
    const isRange =
      Array.isArray(range) && range.length === 2 && range.every(Number.isInteger) && range[0] <= range[1];
    if (!isRange) return `its range of versions "${name}" is not [first, last]`;
  }
  const [first, last] = plugin.ranges.schema;
  if (schema >= first && schema <= last) return null;
  return `it supports the monitor's schema ${first} to ${last}, this pgaf has ${schema}`;
}

function kindReason(plugin: Plugin, others: readonly Plugin[]): string | null {
  if (!WORD.test(plugin.kind)) return `its kind "${plugin.kind}" is not a lower-case word`;
  const owner = others.find((other) => other.kind === plugin.kind);
  return owner ? `the kind "${plugin.kind}" belongs to ${owner.packageName} already` : null;
}

function rolesReason(plugin: Plugin, taken: Taken): string | null {
  const seen: Plugin['roles'][number][] = [];
  for (const role of plugin.roles) {
    if (!WORD.test(role.name ?? '')) return `its role "${role.name}" is not a lower-case word`;
    if (!WORD.test(role.command ?? ''))
      return `the command "${role.command}" of its role is not a lower-case word`;
    const command = `create ${role.command}`;
    if (taken.commands.has(command)) return `"${command}" is a command of pgaf already`;
    for (const owner of [plugin, ...taken.plugins]) {
      const twin = (owner === plugin ? seen : owner.roles).find(
        (other) => other.name === role.name || other.command === role.command,
      );
      if (twin)
        return `its role "${role.name}" (create ${role.command}) belongs to ${owner.packageName} already`;
    }
    if (role.choose !== undefined && typeof role.choose !== 'function')
      return `"choose" of its role "${role.name}" is not a function`;
    const groups = groupsReason(role, seen) ?? flagsReason(role.flags ?? [], taken.createFlags, command);
    if (groups !== null) return groups;
    const section = role.flags?.find(
      (flag) => flag.setting !== undefined && !hasSetting(plugin, flag.setting),
    );
    if (section)
      return `its flag --${section.name} keeps a setting "${section.setting}" that its configuration lacks`;
    seen.push(role);
  }
  return null;
}

function hasSetting(plugin: Plugin, key: string): boolean {
  return plugin.configuration?.options.some((option) => option.key === key) ?? false;
}

function groupsReason(
  role: Plugin['roles'][number],
  earlier: readonly Plugin['roles'][number][],
): string | null {
  const { from, to } = role.groups ?? {};
  const isRange =
    Number.isInteger(from) && from >= 0 && (to === null || (Number.isInteger(to) && to >= from));
  if (!isRange) return `the groups of its role "${role.name}" are not a range such as { from: 0, to: 0 }`;
  for (const other of earlier) {
    const apart =
      (to !== null && to < other.groups.from) || (other.groups.to !== null && other.groups.to < from);
    if (!apart) return `the groups of its roles "${other.name}" and "${role.name}" overlap`;
  }
  return null;
}

function flagsReason(
  flags: readonly FlagDefinition[],
  reserved: ReadonlySet<string>,
  command: string,
): string | null {
  const seen = new Set(reserved);
  for (const flag of flags) {
    if (!FLAG.test(flag.name ?? ''))
      return `its flag "${flag.name}" of "${command}" is not a lower-case word`;
    if (seen.has(flag.name)) return `"${command}" has a flag --${flag.name} already`;
    const type = FLAG_TYPES[flag.type];
    if (type === undefined) return `its flag --${flag.name} has the unknown type "${flag.type}"`;
    if (flag.default !== undefined && typeof flag.default !== type) {
      return `the default of its flag --${flag.name} is not of type ${flag.type}`;
    }
    seen.add(flag.name);
  }
  return null;
}

function commandsReason(plugin: Plugin, taken: Taken): string | null {
  const names = new Map<string, string>();
  for (const name of taken.commands) names.set(name, 'pgaf');
  for (const other of [...taken.plugins, plugin]) {
    for (const role of other.roles) names.set(`create ${role.command}`, other.packageName);
    if (other !== plugin)
      for (const command of other.commands ?? []) names.set(command.name, other.packageName);
  }
  for (const command of plugin.commands ?? []) {
    if (!COMMAND.test(command.name ?? '')) return `its command "${command.name}" is not lower-case words`;
    if (typeof command.run !== 'function') return `its command "${command.name}" has no run`;
    const owner = names.get(command.name);
    if (owner !== undefined) return `its command "${command.name}" belongs to ${owner} already`;
    const reason = flagsReason(command.flags ?? [], new Set(RESERVED_FLAGS), command.name);
    if (reason !== null) return reason;
    names.set(command.name, plugin.packageName);
  }
  return null;
}

/** Flags that every command of a plugin has by itself. */
export const RESERVED_FLAGS = [
  'pgdata',
  'monitor',
  'formation',
  'json',
  'verbose',
  'quiet',
  'version',
  'help',
] as const;
