import type { Plugin } from '@pgaf/plugin-api/plugin';

const ORIGINS = ['formation', 'lan'];

/** Why what the plugin asks of its nodes has not the shape of the contract, one sentence; null when it has. */
export function requirementsReason({ requirements = [], roles }: Plugin): string | null {
  const seen = new Set<string>();
  for (const one of requirements as readonly unknown[]) {
    if (!isRecord(one) || typeof one['role'] !== 'string') return 'one of its requirements is of no role';
    const { role } = one;
    const what = `its requirements of the role "${role}"`;
    if (!roles.some(({ name }) => name === role)) return `${what}: it has no such role`;
    if (seen.has(role)) return `${what} are there twice`;
    seen.add(role);
    const reason =
      settingsReason(one['settings']) ??
      (one['settingsFor'] === undefined || typeof one['settingsFor'] === 'function'
        ? null
        : '"settingsFor" is not a function') ??
      listReason('preload', one['preload'], isText) ??
      listReason('extensions', one['extensions'], isExtension) ??
      listReason('hba', one['hba'], isHba);
    if (reason !== null) return `${what}: ${reason}`;
  }
  return null;
}

function settingsReason(settings: unknown): string | null {
  if (settings === undefined) return null;
  if (!isRecord(settings)) return '"settings" are not names with values';
  const wrong = Object.entries(settings).find(([, value]) => !isText(value));
  return wrong ? `the setting "${wrong[0]}" is not a text` : null;
}

function listReason(name: string, list: unknown, isOne: (value: unknown) => boolean): string | null {
  if (list === undefined) return null;
  if (!Array.isArray(list)) return `"${name}" is not a list`;
  const wrong = list.findIndex((value) => !isOne(value));
  return wrong < 0
    ? null
    : `entry ${wrong + 1} of "${name}" has another shape: ${JSON.stringify(list[wrong])}`;
}

function isExtension(value: unknown): boolean {
  return isRecord(value) && isText(value['name']) && isTextOrAbsent(value['atLeast']);
}

function isHba(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value['user']) &&
    isTextOrAbsent(value['database']) &&
    ORIGINS.includes(String(value['from']))
  );
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || isText(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
