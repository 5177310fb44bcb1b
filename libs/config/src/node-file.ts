import { dirname, resolve as resolvePath } from 'node:path';
import { readFileSync } from 'node:fs';
import { readGuarded } from './file.js';
import { badLine, type ConfigFile } from './ini-form.js';
import { formationSettings, nodeFileSettings } from './node-file-settings.js';
import { resolve } from './precedence.js';
import { nameOf, type ConfigOf, type Schema, type SettingValue } from './schema.js';
import { othersThanItsGroupCanWrite } from './who-can-write.js';

export { nodeFileSettings } from './node-file-settings.js';

/** Where `pgaf node run` looks unless told. */
export const NODE_FILE = '/etc/pgaf/node.ini';

/** A formation that a monitor is to have. What is undefined stays as it is. */
export interface WantedFormation {
  readonly name: string;
  /** Of its header, from 1. */
  readonly line: number;
  readonly kind: string | undefined;
  readonly dbname: string | undefined;
  readonly secondary: boolean | undefined;
  readonly numSyncStandbys: number | undefined;
}

/** A node, or a monitor, as its file wants it. */
export interface NodeFile {
  readonly path: string;
  /** As it was read. */
  readonly source: string;
  readonly text: ConfigFile;
  readonly config: ConfigOf<typeof nodeFileSettings>;
  /** The data directory, absolute. */
  readonly pgdata: string;
  /** By the option of `pgaf create` that a setting stands for; what the file leaves out is missing. */
  readonly options: ReadonlyMap<string, WrittenOption>;
  readonly formations: readonly WantedFormation[];
}

/** A setting as it stands in the file. */
export interface WrittenOption {
  /** `section.key` */
  readonly name: string;
  readonly line: number;
  readonly value: SettingValue;
}

const HEADER = /^\s*\[\s*formation\s+([^\]]*?)\s*\]\s*$/;

interface Header {
  readonly name: string;
  readonly section: string;
  readonly line: number;
}

/** Settings whose value is a path, which begins at the file's own folder. */
const PATHS: ReadonlySet<string> = new Set([
  'pgdata',
  'pgctl',
  'server-cert',
  'server-key',
  'ssl-ca-file',
  'ssl-crl-file',
  'replication-password-file',
  'autoctl-node-password-file',
]);

/**
 * @param more Settings that the kinds of formations bring.
 * @throws UserError, exit 2, that names file, line and key.
 */
export async function readNodeFile(path: string, more: Schema): Promise<NodeFile> {
  let headers: readonly Header[] = [];
  let source = '';
  const text = await readGuarded(
    path,
    (content) => {
      source = content;
      headers = headersOf(content);
      return [
        ...nodeFileSettings,
        ...more,
        ...headers.flatMap(({ section }) => [...formationSettings(section)]),
      ];
    },
    {
      whenMissing: 'Write it, or name another one: pgaf node run FILE.',
      isOpen: othersThanItsGroupCanWrite,
    },
  );
  requireKnown(text);
  requireOnce(text, headers);
  const { config } = resolve(nodeFileSettings, { file: text });
  const { pgdata } = config.postgresql;
  if (pgdata === undefined) {
    throw badLine(
      path,
      lineOf(text, 'postgresql') ?? 1,
      'postgresql.pgdata is missing',
      'Name the data directory.',
    );
  }
  return {
    path,
    source,
    text,
    config,
    pgdata: resolvePath(dirname(path), pgdata),
    options: optionsOf(text, [...nodeFileSettings, ...more]),
    formations: headers.map((header) => wantedFormation(header, text)),
  };
}

/**
 * The data directory that a file names, looked up before anything else is known; null when there is none, or no such
 * file. What is wrong with the file is not looked at.
 */
export function pgdataOfNodeFile(path: string): string | null {
  let section = '';
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  for (const line of text.split(/\r?\n/)) {
    section = /^\s*\[([^\]]+)\]\s*$/.exec(line)?.[1]?.trim() ?? section;
    const value = section === 'postgresql' ? /^\s*pgdata\s*=\s*"?(.*?)"?\s*$/.exec(line)?.[1] : undefined;
    if (value) return resolvePath(dirname(path), value);
  }
  return null;
}

function headersOf(content: string): Header[] {
  return content.split(/\r?\n/).flatMap((line, index) => {
    const name = HEADER.exec(line)?.[1];
    const section = /\[([^\]]+)\]/.exec(line)?.[1]?.trim();
    return name && section ? [{ name, section, line: index + 1 }] : [];
  });
}

/** Unlike in a node's own file, nobody keeps what is not known. */
function requireKnown({ path, foreign }: ConfigFile): void {
  const [first] = foreign;
  if (first === undefined) return;
  const sections = [...new Set(nodeFileSettings.map(({ section }) => `[${section}]`))].join(', ');
  throw badLine(
    path,
    first.line,
    `[${first.name}] is no section`,
    `There are ${sections} and [formation NAME].`,
  );
}

/** Two sections of one name would be one, and their settings each other's. */
function requireOnce({ path }: ConfigFile, headers: readonly Header[]): void {
  for (const { name, line } of headers) {
    const first = headers.find((one) => one.name === name);
    if (first === undefined || first.line === line) continue;
    throw badLine(
      path,
      line,
      `[formation ${name}] stands on line ${first.line} already`,
      'Make one of them.',
    );
  }
}

function lineOf({ entries }: ConfigFile, section: string): number | undefined {
  return entries.find((entry) => entry.section === section)?.line;
}

function optionsOf(text: ConfigFile, schema: Schema): Map<string, WrittenOption> {
  const values = resolve(schema, { file: text });
  const options = new Map<string, WrittenOption>();
  for (const setting of schema) {
    const entry = text.entries.find(({ section, key }) => section === setting.section && key === setting.key);
    if (entry === undefined || setting.flag === undefined || !values.sources.has(nameOf(setting))) continue;
    const isPath = PATHS.has(setting.flag);
    const value = isPath ? resolvePath(dirname(text.path), entry.value) : entry.value;
    options.set(setting.flag, { name: nameOf(setting), line: entry.line, value });
  }
  return options;
}

function wantedFormation({ name, section, line }: Header, file: ConfigFile): WantedFormation {
  // All of them have the same rows; only the name of the section differs.
  const own = { ...file, entries: file.entries.map((entry) => renamed(entry, section)) };
  const { formation } = resolve(formationSettings('formation'), { file: own }).config;
  return { name, line, ...formation };
}

function renamed<E extends { readonly section: string }>(entry: E, section: string): E {
  if (entry.section === section) return { ...entry, section: 'formation' };
  return entry.section === 'formation' ? { ...entry, section: '' } : entry;
}
