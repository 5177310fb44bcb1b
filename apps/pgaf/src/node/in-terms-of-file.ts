import { CannotConnectError } from '@pgaf/conninfo/connect';
import { nodeFileSettings, type NodeFile } from '@pgaf/config/node-file';
import { nameOf } from '@pgaf/config/settings';
import { EXIT, PgafError, UserError } from '@pgaf/core/errors';

/** What stands for several options, or for none of its own. */
const MORE: Readonly<Record<string, string>> = {
  'ssl-self-signed': 'options.ssl = self-signed',
  'no-ssl': 'options.ssl = off',
  'ssl-mode': 'options.ssl',
  'pg-hba-lan': 'options.pg_hba_lan',
};

const NAMES: ReadonlyMap<string, string> = new Map([
  ...nodeFileSettings.flatMap((row) => ('flag' in row ? [[row.flag, nameOf(row)] as const] : [])),
  ...Object.entries(MORE),
]);

/** The same error for who wrote a file and typed no option: each option is called by its setting, with its line. */
export function inTermsOfFile(error: unknown, file: NodeFile): unknown {
  if (!(error instanceof UserError)) return error;
  const named: string[] = [];
  const translate = (text: string): string =>
    text.replace(/--([a-z][a-z-]*[a-z])/g, (whole, flag: string) => {
      const name = file.options.get(flag)?.name ?? NAMES.get(flag);
      if (name !== undefined) named.push(name);
      return name ?? whole;
    });
  const message = translate(error.message);
  const line = named.map((name) => lineOf(file, name)).find((one) => one !== undefined);
  const hint = error.hint === undefined ? undefined : translate(error.hint);
  if (named.length === 0) return error;
  const place = line === undefined ? file.path : `${file.path}:${line}`;
  return new UserError(`${place}: ${message}`, {
    code: error.code,
    exit: error.exit === EXIT.badArguments ? EXIT.badConfiguration : error.exit,
    ...(hint === undefined ? {} : { hint }),
    cause: error.cause,
    mayMendItself: error.mayMendItself,
  });
}

function lineOf({ text }: NodeFile, name: string): number | undefined {
  const [setting = ''] = name.split(' ');
  return text.entries.find(({ section, key }) => `${section}.${key}` === setting)?.line;
}

/** Whether trying again may help without a change of the file. */
export function mayPass(error: unknown): boolean {
  // A monitor that is being made has no database yet.
  if (error instanceof CannotConnectError) return true;
  return error instanceof PgafError && (error.mayMendItself || error.code === 'monitor-down');
}
