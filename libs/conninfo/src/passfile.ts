import { readFile, stat } from 'node:fs/promises';

/** What a line of the passfile is compared with; `host` is `localhost` for the default socket directory. */
export interface PassfileKey {
  readonly host: string;
  readonly port: number;
  readonly dbname: string;
  readonly user: string;
}

/** Splits at colons that no backslash hides, and takes the backslashes out. */
function fieldsOf(line: string): { text: string; raw: string }[] {
  return [...line.matchAll(/((?:[^:\\]|\\.?)*)(?::|$)/g)].map(([, raw = '']) => ({
    raw,
    text: raw.replaceAll(/\\(.)/g, '$1'),
  }));
}

/** The password of the first line `host:port:dbname:user:password` that fits; `*` fits everything. */
export function findPassword(passfile: string, key: PassfileKey): string | undefined {
  const wanted = [key.host, String(key.port), key.dbname, key.user];
  for (const line of passfile.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    const password = fields[4]?.text;
    if (!password) continue;
    if (wanted.every((value, i) => fields[i]?.raw === '*' || fields[i]?.text === value)) return password;
  }
  return undefined;
}

/** A line of a passfile; `*` in the key fits everything. */
export function passfileLine(
  key: { readonly host: string; readonly port: string; readonly dbname: string; readonly user: string },
  password: string,
): string {
  return [key.host, key.port, key.dbname, key.user, password]
    .map((field) => field.replaceAll(/[\\:]/g, '\\$&'))
    .join(':');
}

export interface PassfileAnswer {
  readonly password?: string;
  /** Why an existing file was not used. */
  readonly ignored?: string;
}

/** Looks into a passfile as libpq does: one that is missing says nothing, one that others may read is ignored. */
export async function lookUpPassword(path: string, key: PassfileKey): Promise<PassfileAnswer> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return { ignored: `the passfile ${path} is not a plain file` };
    if ((found.mode & 0o077) !== 0) {
      return { ignored: `the passfile ${path} is ignored, because group or others have access (chmod 0600)` };
    }
    const password = findPassword(await readFile(path, 'utf8'), key);
    return password === undefined ? {} : { password };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    return { ignored: `the passfile ${path} cannot be read` };
  }
}
