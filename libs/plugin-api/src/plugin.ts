import type { FormationView } from '@pgaf/core/formation-view';
import type { EdgePatch } from './edges.js';
import type { KeeperPart } from './keeper-part.js';
import type { Placement, PlacementRequest, Refused, Registration, RemovalRequest } from './placement.js';
import type { CommandDefinition, FlagDefinition } from './plugin-command.js';
import type { Guard, RulePatch } from './rules.js';

/**
 * The version of this contract: the rule language, the steps and the shapes of this package. A plugin names the one it
 * was written for. The minor number is raised with whatever is added, the major one with whatever is taken away or
 * means something else: a plugin of another major version is refused, and so is one of a later minor version, as it may
 * count on what is not here.
 */
export const CONTRACT_VERSION = '1.3';

export interface RoleDefinition {
  /** As in `pgaf create <command>`, and in the node's row. */
  readonly name: string;
  /** The word after `pgaf create`; `postgres` for the role `node` of plain Postgres. */
  readonly command: string;
  readonly summary: string;
  /** Which groups nodes of this role live in. */
  readonly groups: { readonly from: number; readonly to: number | null };
  readonly defaultDbname: string;
  readonly defaultCandidatePriority?: number;
  /** Extra flags of `pgaf create <command>`. */
  readonly flags?: readonly FlagDefinition[];
  /** What the command line makes of the node; refuses options that exclude each other, before anything is made. Pure. */
  readonly choose?: (request: CreationRequest) => Creation;
}

/** What a command line of `pgaf create <command>` asks for. */
export interface CreationRequest {
  /** The values of the role's own flags. */
  readonly flags: Readonly<Record<string, string | number | boolean | undefined>>;
  /** The group that was asked for; null for none. */
  readonly group: number | null;
  /** The candidate priority that was asked for; null for none. */
  readonly candidatePriority: number | null;
}

export type Creation =
  | {
      readonly tag: 'node';
      /** `default` for a node that may take over; nodes of any other cluster serve reads alone. */
      readonly cluster: string;
      /** When none was asked for; absent for the role's default. */
      readonly candidatePriority?: number;
    }
  | Refused;

/** Postgres settings, extensions and hba of a role, as data that the core applies. */
export interface NodeRequirements {
  readonly role: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Those that depend on the node. Pure. */
  readonly settingsFor?: (node: NodeToSet) => Readonly<Record<string, string>>;
  /** Put first into shared_preload_libraries, in this order. */
  readonly preload?: readonly string[];
  readonly extensions?: readonly ExtensionRequirement[];
  readonly hba?: readonly HbaRequirement[];
}

/** Created in the formation's database; looked for before anything is made. */
export interface ExtensionRequirement {
  readonly name: string;
  /** The oldest version that will do, such as `11.0`; any when absent. */
  readonly atLeast?: string;
}

/** What settings may depend on. */
export interface NodeToSet {
  readonly host: string;
  readonly port: number;
  /** Of connections to other nodes, as in libpq; the files are null where they are not needed. */
  readonly sslmode: string;
  readonly sslrootcert: string | null;
  readonly sslcrl: string | null;
  /** The values of the plugin's own configuration section. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface HbaRequirement {
  /** The formation's when absent. */
  readonly database?: string;
  readonly user: string;
  /** Each node of the formation, or the network of the node's own address. */
  readonly from: 'formation' | 'lan';
}

/** One row of `show uri`. */
export interface UriRow {
  readonly type: string;
  readonly name: string;
  readonly uri: string;
}

export interface ConfigurationSection {
  readonly name: string;
  readonly options: readonly {
    readonly key: string;
    readonly default: string;
    readonly summary: string;
    /** The section of pgaf's own that has it, with its type and its bounds; the plugin's when absent. */
    readonly section?: string;
  }[];
}

/** A formation kind. The default export of a plugin's package is one, made by `definePlugin`. */
export interface Plugin {
  /** The formation's `kind`, lower case. */
  readonly kind: string;
  readonly packageName: string;
  readonly version: string;
  /** The `CONTRACT_VERSION` that the plugin was written for. */
  readonly contract: string;
  readonly ranges: {
    /** Versions of the monitor's schema, inclusive. */
    readonly schema: readonly [number, number];
    /** Major versions of Postgres, inclusive. */
    readonly postgres: readonly [number, number];
  };
  readonly roles: readonly RoleDefinition[];
  /** Chooses the group of a new node, or refuses it. Pure. */
  readonly assignGroup: (request: PlacementRequest) => Placement;
  /** Refuses a registration with a reason, or returns null. Pure. */
  readonly validateNode?: (registration: Registration) => Placement | null;
  /** Refuses to let a node go, unless by force; null lets it. Pure. */
  readonly validateRemoval?: (request: RemovalRequest) => Refused | null;
  /** What is lost or left behind with a node that goes by force, one sentence without its end; null for nothing. Pure. */
  readonly removalLoss?: (request: RemovalRequest) => string | null;
  /** The name of a node that was registered without one. Pure. */
  readonly nodeName: (registration: Registration & { readonly id: number }) => string;
  readonly rulePatches?: readonly RulePatch[];
  readonly guards?: Readonly<Record<string, Guard>>;
  readonly edgePatches?: readonly EdgePatch[];
  readonly requirements?: readonly NodeRequirements[];
  /** Rows of `show uri` besides the formation's own. Pure. */
  readonly uris?: (formation: FormationView, sslmode: string) => readonly UriRow[];
  /** The group whose nodes make the formation's URI. */
  readonly uriGroup?: number;
  readonly configuration?: ConfigurationSection;
  readonly commands?: readonly CommandDefinition[];
  /** Loads the keeper's part; called on a node only. */
  readonly keeper?: () => Promise<KeeperPart>;
}

/** Marks and freezes a plugin; the host checks it when it loads it. */
export function definePlugin(plugin: Plugin): Plugin & { readonly tag: 'pgaf-plugin' } {
  return Object.freeze({ ...plugin, tag: 'pgaf-plugin' as const });
}
