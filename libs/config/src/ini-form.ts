import { EXIT, UserError } from '@pgaf/core/errors';
import { nearestWord } from '@pgaf/core/nearest-word';
import { nameOf, valueIn, type Schema } from './schema.js';
import { RETIRED } from './settings.js';
import { printValue } from './value.js';

// The npm package `ini` gives no line numbers for errors, makes true and null of texts, and splits sections at dots.

export interface ConfigEntry {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

export interface ConfigFile {
  readonly path: string;
  readonly entries: readonly ConfigEntry[];
  /** Sections that the schema does not know, such as a missing plugin's. */
  readonly foreign: readonly ForeignSection[];
}

export interface ForeignSection {
  readonly name: string;
  /** Of its header, from 1. */
  readonly line: number;
  /** As they stand, the header first. */
  readonly lines: readonly string[];
}

const SECTION = /^\s*\[([^\]]+)\]\s*$/;
const COMMENT = /^\s*([#;]|$)/;

export function badLine(path: string, line: number, problem: string, hint: string): UserError {
  return new UserError(`${path}:${line}: ${problem}.`, {
    code: 'bad-configuration',
    exit: EXIT.badConfiguration,
    hint,
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r' };

function unquote(text: string): string {
  if (!/^"(?:[^"\\]|\\.)*"$/.test(text)) return text;
  return text.slice(1, -1).replaceAll(/\\(.)/g, (_, sign: string) => ESCAPES[sign] ?? sign);
}

/** Only what would not read back as it is gets quotes. */
function quote(text: string): string {
  if (text.trim() === text && !/[\n\r]/.test(text) && !text.startsWith('"')) return text;
  const inside = text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `"${inside}"`;
}

/**
 * Reads `[section]` and `key = value` lines; an empty value counts as not given, comments have lines of their own.
 * @throws UserError `bad-configuration`, exit 2, with file and line
 */
export function parseConfig(path: string, text: string, schema: Schema): ConfigFile {
  const entries: ConfigEntry[] = [];
  const foreign: (ForeignSection & { readonly lines: string[] })[] = [];
  const sections = [...new Set(schema.map((setting) => setting.section))];
  let section: string | undefined;
  let kept: string[] | undefined;
  for (const [i, content] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = i + 1;
    const header = SECTION.exec(content)?.[1]?.trim();
    if (header !== undefined) {
      section = header;
      kept = sections.includes(header) ? undefined : [];
      const meant = kept && nearestWord(header, sections);
      if (meant) throw badLine(path, line, `[${header}] is no section`, `Did you mean [${meant}]?`);
      if (kept) foreign.push({ name: header, line, lines: kept });
    }
    kept?.push(content);
    if (header !== undefined || kept || COMMENT.test(content)) continue;
    const equals = content.indexOf('=');
    if (equals === -1)
      throw badLine(path, line, `"${content.trim()}" is no "key = value"`, 'Correct the line.');
    const written = content.slice(0, equals).trim();
    if (section === undefined) {
      throw badLine(
        path,
        line,
        `"${written}" stands before the first [section]`,
        'Put it below its section.',
      );
    }
    if (RETIRED.has(`${section}.${written}`)) continue;
    const known = schema.filter((setting) => setting.section === section);
    const setting = known.find(({ key, oldKey }) => key === written || oldKey === written);
    if (setting === undefined) {
      throw badLine(path, line, `${section}.${written} is no setting`, settingsOf(section, written, known));
    }
    const first = entries.find((entry) => entry.section === section && entry.key === setting.key);
    if (first !== undefined) {
      throw badLine(
        path,
        line,
        `${nameOf(setting)} stands on line ${first.line} already`,
        'Remove one of them.',
      );
    }
    const value = unquote(content.slice(equals + 1).trim());
    if (value !== '') entries.push({ section, key: setting.key, value, line });
  }
  return { path, entries, foreign };
}

function settingsOf(section: string, written: string, known: Schema): string {
  const keys = known.map(({ key }) => key);
  const meant = nearestWord(written, keys);
  return meant === null ? `[${section}] takes ${keys.join(', ')}.` : `Did you mean ${meant}?`;
}

/** The text of the file, in the order of the schema, with the foreign sections of the earlier file at its end. */
export function printConfig(schema: Schema, config: object, earlier?: ConfigFile): string {
  const sections = new Map<string, string[]>();
  for (const setting of schema) {
    const value = valueIn(setting, config);
    if (value === undefined) continue;
    const lines = sections.get(setting.section) ?? [`[${setting.section}]`];
    lines.push(`${setting.key} = ${quote(printValue(setting, value))}`);
    sections.set(setting.section, lines);
  }
  const known = [...sections.values()].map((lines) => lines.join('\n'));
  const foreign = (earlier?.foreign ?? []).map(({ lines }) => lines.join('\n').trimEnd());
  return [...known, ...foreign].join('\n\n') + '\n';
}
