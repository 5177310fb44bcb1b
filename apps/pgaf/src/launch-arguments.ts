import { isAbsolute, resolve } from 'node:path';
import { NODE_FILE, pgdataOfNodeFile } from '@pgaf/config/node-file';

/** What must be known of a command line before its command is: who it runs as, and how much it logs. */
export interface LaunchArguments {
  /** The words before the first option: the command, and maybe more. */
  readonly words: readonly string[];
  /** Absolute. From --pgdata, else PGDATA; of `node run` the one that its file names. */
  readonly pgdata: string | null;
  readonly osUser: string | null;
  readonly verbose: number;
  readonly quiet: boolean;
  readonly json: boolean;
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
  /** The command stays as a service: `run`, and `create` with --run. */
  readonly isService: boolean;
  /** The words, then the options, without -v and --verbose, which the parser cannot count. */
  readonly rest: readonly string[];
}

const COUNTED = /^-v+$/;
/** Global options, which may also stand before the command. */
const GLOBAL = /^(-v+|--verbose|-q|--quiet|-J|--json)$/;
/** --run among the short options without a value that `create` has. */
const SHORT_RUN = /^-[sNSLqv]*x[sNSLqvx]*$/;

/**
 * Reads a command line without knowing its command's options, so it stays tolerant: what it does not
 * recognise is left to the command.
 */
export function launchArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): LaunchArguments {
  const end = argv.indexOf('--');
  const given = end === -1 ? argv : argv.slice(0, end);
  const leading = given.findIndex((word) => !GLOBAL.test(word));
  const own = leading <= 0 ? given : [...given.slice(leading), ...given.slice(0, leading)];
  const isHelp = own[0] === 'help';
  const firstOption = own.findIndex((word) => word.startsWith('-'));
  const words = (firstOption === -1 ? own : own.slice(0, firstOption)).slice(isHelp ? 1 : 0);
  const has = (...names: string[]): boolean => own.some((word) => names.includes(word));
  const isNodeRun = words[0] === 'node' && words[1] === 'run';
  const pgdata = isNodeRun
    ? pgdataOfNodeFile(resolve(workingDirectory, nodeFileOf(own)))
    : (valueOf(own, '--pgdata', '-D') ?? nonEmpty(env['PGDATA']));
  return {
    words,
    pgdata: pgdata === null ? null : isAbsolute(pgdata) ? resolve(pgdata) : resolve(workingDirectory, pgdata),
    osUser: valueOf(own, '--os-user'),
    verbose: own.reduce((count, word) => count + verbosityOf(word), 0),
    quiet: has('-q', '--quiet'),
    json: has('-J', '--json'),
    wantsHelp: isHelp || has('-h', '--help'),
    wantsVersion: has('-V', '--version'),
    isService: words[0] === 'run' || isNodeRun || (words[0] === 'create' && own.some(isRun)),
    rest: [...own.filter((word) => verbosityOf(word) === 0), ...(end === -1 ? [] : argv.slice(end))],
  };
}

/** The argument of `node run`; an option may stand before it. */
function nodeFileOf(own: readonly string[]): string {
  const operands = own.filter((word, index) => !word.startsWith('-') && own[index - 1] !== '--os-user');
  return operands[2] ?? NODE_FILE;
}

function isRun(word: string): boolean {
  return word === '--run' || SHORT_RUN.test(word);
}

function verbosityOf(word: string): number {
  if (word === '--verbose') return 1;
  return COUNTED.test(word) ? word.length - 1 : 0;
}

/** The last value given, as `--name value`, `--name=value`, `-N value` or `-Nvalue`. */
function valueOf(argv: readonly string[], long: string, short?: string): string | null {
  let value: string | null = null;
  argv.forEach((word, index) => {
    if (word === long || word === short) value = nonEmpty(argv[index + 1]) ?? value;
    else if (word.startsWith(`${long}=`)) value = nonEmpty(word.slice(long.length + 1)) ?? value;
    else if (short !== undefined && word.startsWith(short)) {
      value = nonEmpty(word.slice(short.length).replace(/^=/, '')) ?? value;
    }
  });
  return value;
}

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
