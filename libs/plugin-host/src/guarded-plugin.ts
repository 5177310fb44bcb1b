import { EXIT, PgafError } from '@pgaf/core/errors';
import type { Plugin, RoleDefinition, NodeRequirements } from '@pgaf/plugin-api/plugin';
import { whyNoName, whyNoPlacement, whyNoRefusal, whyNoSentence } from './plugin-answers.js';

/** A function of a plugin threw, or returned what the contract does not allow. */
export class PluginError extends PgafError {
  constructor(plugin: Plugin, what: string, reason: string, cause?: unknown) {
    super(
      `${plugin.packageName}, the plugin of the formation kind "${plugin.kind}", fails in ${what}: ${reason}`,
      {
        code: 'plugin-failed',
        exit: EXIT.internal,
        hint: `It is a bug of that plugin (version ${plugin.version}): install another version, or report it to its authors.`,
        cause,
      },
    );
  }
}

/**
 * The plugin with its pure functions wrapped, so that whatever one of them throws or returns, its caller gets what the
 * contract promises or a PluginError that names the plugin.
 */
export function guardPlugin(plugin: Plugin): Plugin {
  const { validateNode, validateRemoval, removalLoss, uris, guards, requirements } = plugin;
  const guard = <Args extends readonly unknown[], Answer>(
    what: string,
    call: (...args: Args) => Answer,
    whyNot: (answer: unknown) => string | null = () => null,
  ) => guarded(plugin, what, call, whyNot);
  return Object.freeze({
    ...plugin,
    assignGroup: guard('assignGroup', plugin.assignGroup, whyNoPlacement),
    nodeName: guard('nodeName', plugin.nodeName, whyNoName),
    roles: plugin.roles.map((role) => guardRole(plugin, role)),
    ...(validateNode && { validateNode: guard('validateNode', validateNode, whyNoRefusal) }),
    ...(validateRemoval && { validateRemoval: guard('validateRemoval', validateRemoval, whyNoRefusal) }),
    ...(removalLoss && { removalLoss: guard('removalLoss', removalLoss, whyNoSentence) }),
    ...(uris && { uris: guard('uris', uris) }),
    ...(guards && {
      guards: Object.fromEntries(
        Object.entries(guards).map(([name, holds]) => [name, guard(`the guard ${name}`, holds)]),
      ),
    }),
    ...(requirements && { requirements: requirements.map((each) => guardRequirements(plugin, each)) }),
  });
}

function guardRole(plugin: Plugin, role: RoleDefinition): RoleDefinition {
  const { choose } = role;
  return choose ? { ...role, choose: guarded(plugin, `choose of its role ${role.name}`, choose) } : role;
}

function guardRequirements(plugin: Plugin, required: NodeRequirements): NodeRequirements {
  const { settingsFor, role } = required;
  if (!settingsFor) return required;
  return { ...required, settingsFor: guarded(plugin, `settingsFor of its role ${role}`, settingsFor) };
}

function guarded<Args extends readonly unknown[], Answer>(
  plugin: Plugin,
  what: string,
  call: (...args: Args) => Answer,
  whyNot: (answer: unknown) => string | null = () => null,
): (...args: Args) => Answer {
  return (...args) => {
    let answer: Answer;
    try {
      answer = call(...args);
    } catch (error) {
      if (error instanceof PgafError) throw error;
      throw new PluginError(plugin, what, error instanceof Error ? error.message : String(error), error);
    }
    const reason = whyNot(answer);
    if (reason !== null) throw new PluginError(plugin, what, reason);
    return answer;
  };
}
