import type { AnyCommand } from './command-spec.js';
import { CREATE_MONITOR } from './commands/create-commands.js';
import { DEMO_COMMANDS } from './commands/demo-commands.js';
import { EXPLAIN_COMMAND } from './commands/explain-command.js';
import { FORMATION_COMMANDS } from './commands/formation-commands.js';
import { INSPECT_COMMANDS } from './commands/inspect-commands.js';
import { MAINTENANCE_COMMANDS } from './commands/maintenance-commands.js';
import { NODE_COMMANDS } from './commands/node-commands.js';
import { SERVICE_COMMANDS } from './commands/service-commands.js';
import { SETTINGS_COMMANDS } from './commands/settings-commands.js';
import { SHOW_COMMANDS } from './commands/show-commands.js';
import { TIMELINE_COMMANDS } from './commands/timeline-commands.js';
import { WATCH_COMMAND } from './commands/watch-command.js';
import { GLOBAL_FLAGS } from './global-flags.js';
import { NODE_FLAGS } from './create/create-flags.js';

/** The commands that do not depend on any plugin. */
export const CORE_COMMANDS: readonly AnyCommand[] = [
  CREATE_MONITOR,
  ...SERVICE_COMMANDS,
  ...SHOW_COMMANDS,
  WATCH_COMMAND,
  EXPLAIN_COMMAND,
  ...SETTINGS_COMMANDS,
  ...FORMATION_COMMANDS,
  ...MAINTENANCE_COMMANDS,
  ...INSPECT_COMMANDS,
  ...TIMELINE_COMMANDS,
  ...DEMO_COMMANDS,
  ...NODE_COMMANDS,
];

export const CORE_COMMAND_NAMES: ReadonlySet<string> = new Set(CORE_COMMANDS.map(({ name }) => name));

/** Long names that a plugin's flag of `create` must not have. */
export const CORE_CREATE_FLAGS: ReadonlySet<string> = new Set(
  Object.keys({ ...NODE_FLAGS, ...GLOBAL_FLAGS }),
);

/** What the words are for that only commands below them do something with. */
export const TOPICS: Readonly<Record<string, string>> = {
  create: 'Create a monitor, a node or a formation',
  show: 'Print what the monitor knows, and what belongs to a node',
  get: 'Print a setting of a node or a formation',
  'get node': 'Print a setting of a node',
  'get formation': 'Print a setting of a formation',
  set: 'Change a setting of a node or a formation',
  'set node': 'Change a setting of a node',
  'set formation': 'Change a setting of a formation',
  accept: 'Decide what only a person can',
  inspect: 'Look at how pgaf works',
  'inspect fsm': 'Look at the state machine',
  perform: 'Make the formation do something',
  enable: 'Turn something on',
  disable: 'Turn something off',
  node: 'Run nodes that files describe',
  demo: 'Show an application what a failover does to it',
  drop: 'Remove a node, a monitor or a formation',
};
