import { parseDuration } from '@pgaf/core/durations';
import type { Setting, SettingValue } from './schema.js';

const BOOLEANS: Readonly<Record<string, boolean>> = {
  '1': true,
  true: true,
  on: true,
  yes: true,
  '0': false,
  false: false,
  off: false,
  no: false,
};

/** "a whole number from 1 to 65535", and so on: ends the sentence "it must be …". */
export function allowedFor(setting: Setting): string {
  if (setting.type === 'enum') return `one of ${setting.values.join(', ')}`;
  if (setting.type === 'integer') return `a whole number from ${setting.min} to ${setting.max}`;
  if (setting.type === 'boolean') return '0 or 1';
  if (setting.type === 'duration') {
    const atLeast = setting.min === undefined ? '' : `, of at least ${printValue(setting, setting.min)}`;
    return `a number of seconds, or a duration such as 4s or 1500ms${atLeast}`;
  }
  return 'a text';
}

/** The value that a text stands for, or undefined when it is not allowed (see `allowedFor`). */
export function parseValue(setting: Setting, text: string): SettingValue | undefined {
  if (setting.type === 'text') return text;
  const word = text.trim();
  if (setting.type === 'enum') return setting.values.includes(word) ? word : undefined;
  if (setting.type === 'boolean') return BOOLEANS[word.toLowerCase()];
  if (setting.type === 'duration') {
    try {
      const value = parseDuration(word, 's');
      return value >= (setting.min ?? 0) ? value : undefined;
    } catch {
      return undefined;
    }
  }
  const number = Number(word);
  return /^-?\d+$/.test(word) && number >= setting.min && number <= setting.max ? number : undefined;
}

const DAY = 86_400_000;

/** The text of the file: 0 and 1, whole seconds as a bare number, days as such. */
export function printValue(setting: Setting, value: SettingValue): string {
  if (setting.type === 'boolean') return value ? '1' : '0';
  if (setting.type === 'duration') {
    const ms = Number(value);
    if (ms >= DAY && ms % DAY === 0) return `${ms / DAY}d`;
    return ms % 1000 === 0 ? String(ms / 1000) : `${ms}ms`;
  }
  return String(value);
}
