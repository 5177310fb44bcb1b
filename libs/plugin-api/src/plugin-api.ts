export { CONTRACT_VERSION, definePlugin } from './plugin.js';
export { done, fatal, retry, type Outcome } from '@pgaf/core/result';
export type {
  ConfigurationSection,
  Creation,
  CreationRequest,
  ExtensionRequirement,
  HbaRequirement,
  NodeRequirements,
  NodeToSet,
  Plugin,
  RoleDefinition,
  UriRow,
} from './plugin.js';
export type { Placement, PlacementRequest, Refused, Registration, RemovalRequest } from './placement.js';
export type { CommandContext, CommandDefinition, FlagDefinition } from './plugin-command.js';
export type {
  Assignment,
  Effect,
  Guard,
  GuardContext,
  MonitorRule,
  NodePattern,
  RulePatch,
} from './rules.js';
export type { EdgePatch, KeeperEdge } from './edges.js';
export type { Step, StepName } from './steps.js';
export type {
  Handover,
  KeeperContext,
  KeeperPart,
  LocalSql,
  LocalContext,
  NodeContext,
  SqlNotice,
  SqlSession,
} from './keeper-part.js';
export type { FormationView, GroupView, NodeView } from '@pgaf/core/formation-view';
export type {
  GroupSnapshot,
  KeeperFacts,
  KeeperReport,
  NodeSnapshot,
  Sighting,
  SyncSetting,
  Timings,
} from './snapshot.js';
