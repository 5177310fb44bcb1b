import { badConnInfo } from './bad-conninfo.js';

const KEYWORD = /\s*([^\s=]+)\s*/y;
const QUOTED = /\s*'((?:[^'\\]|\\[^])*)'/y;
const BARE = /\s*((?:[^\s\\]|\\[^])*)/y;

/** Reads `host=a,b port=1,2 user='x y'` into libpq's keywords; a keyword that comes twice counts with its last value. */
export function readKeywords(text: string): Map<string, string> {
  const words = new Map<string, string>();
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found?.[1];
  };
  while (text.slice(at).trim() !== '') {
    const keyword = take(KEYWORD);
    if (keyword === undefined) throw badConnInfo('a "=" has no keyword before it');
    if (text[at] !== '=') throw badConnInfo(`no "=" follows "${keyword}"`);
    at += 1;
    const quoted = take(QUOTED);
    if (quoted === undefined && /^\s*'/.test(text.slice(at))) {
      throw badConnInfo(`the value of "${keyword}" has no closing quote`);
    }
    words.set(keyword, (quoted ?? take(BARE) ?? '').replaceAll(/\\([^])/g, '$1'));
  }
  return words;
}

function quote(value: string): string {
  if (value !== '' && !/[\s'\\]/.test(value)) return value;
  return `'${value.replaceAll(/['\\]/g, '\\$&')}'`;
}

export function printKeywords(words: ReadonlyMap<string, string>): string {
  return [...words].map(([keyword, value]) => `${keyword}=${quote(value)}`).join(' ');
}
