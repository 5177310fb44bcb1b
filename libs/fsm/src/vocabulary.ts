export type {
  GroupSnapshot,
  KeeperFacts,
  NodeSnapshot,
  SyncSetting,
  Timings,
} from '@pgaf/plugin-api/snapshot';
export type {
  Effect,
  Guard,
  GuardContext,
  MonitorRule,
  NodePattern,
  RulePatch,
} from '@pgaf/plugin-api/rules';
