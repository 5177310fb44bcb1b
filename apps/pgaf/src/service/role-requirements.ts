import type { NodeRequirements, Plugin } from '@pgaf/plugin-api';
import type { Setting } from '@pgaf/postgres/settings';

/** What the kind asks of nodes of this role; null when nothing. */
export function requirementsOf({
  plugin,
  role,
}: {
  readonly plugin: Plugin;
  readonly role: { readonly name: string };
}): NodeRequirements | null {
  return plugin.requirements?.find((one) => one.role === role.name) ?? null;
}

/** The settings that the kind asks for in the same way on every node. */
export function settingsOfKind(requirements: NodeRequirements | null): Setting[] {
  const { preload = [], settings = {} } = requirements ?? {};
  return [
    ...(preload.length > 0 ? [['shared_preload_libraries', preload.join(', ')] as const] : []),
    ...Object.entries(settings),
  ];
}
