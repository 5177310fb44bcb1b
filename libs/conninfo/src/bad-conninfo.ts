import { EXIT, UserError } from '@pgaf/core/errors';

/** The string is no connection string: exit 1, code `bad-conninfo`. `problem` names the part, never a password. */
export function badConnInfo(problem: string): UserError {
  return new UserError(`The connection string is not valid: ${problem}.`, {
    code: 'bad-conninfo',
    exit: EXIT.badArguments,
    hint: 'Use a form of libpq, such as postgres://user@host:5432/dbname?sslmode=require or "host=… port=5432 dbname=…".',
  });
}
