import type { CommandContext } from './command-spec.js';
import { jsonText } from './output/json-text.js';
import { SCHEMA_VERSION } from './schema-version.js';

/** Prints the versions of the program, of the monitor's schema it knows, and of the plugins. */
export async function showVersion(flags: { readonly json: boolean }, context: CommandContext): Promise<void> {
  const { bin, version, host } = context;
  const plugins = host.kinds().map((kind) => host.plugin(kind));
  if (flags.json) {
    const value = {
      pg_autoctl: version,
      pgautofailover: String(SCHEMA_VERSION),
      node: process.versions.node,
      plugins: plugins.map(({ kind, packageName, version: own }) => ({
        kind,
        package: packageName,
        version: own,
      })),
    };
    context.print(jsonText(value));
    return;
  }
  const range = (versions: readonly [number, number]): string => `${versions[0]} to ${versions[1]}`;
  const lines = [
    `${bin} version ${version}`,
    `${bin} monitor schema version ${SCHEMA_VERSION}`,
    `running on Node ${process.versions.node}`,
    ...plugins.map(
      (plugin) =>
        `formation kind ${plugin.kind}: ${plugin.packageName} ${plugin.version}, Postgres ${range(plugin.ranges.postgres)}`,
    ),
  ];
  context.print(`${lines.join('\n')}\n`);
}
