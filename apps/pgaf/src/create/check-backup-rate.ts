import { EXIT, UserError } from '@pgaf/core/errors';

const KILOBYTES: Readonly<Record<string, number>> = { '': 1, k: 1, m: 1024 };

/** As pg_basebackup takes --max-rate: kilobytes a second, or with a suffix k or M; 32 kB to 1 GB. */
export function isBackupRate(rate: string): boolean {
  const [, number = '', suffix = ''] = /^(\d+)([kM]?)$/.exec(rate) ?? [];
  const kilobytes = Number(number) * (KILOBYTES[suffix.toLowerCase()] ?? 0);
  return number !== '' && kilobytes >= 32 && kilobytes <= 1_048_576;
}

/** @throws UserError `bad-value`. */
export function checkBackupRate(rate: string): void {
  if (isBackupRate(rate)) return;
  throw new UserError(`The rate of base backups is "${rate}", which must be from 32k to 1024M.`, {
    code: 'bad-value',
    exit: EXIT.badArguments,
    hint: 'Correct --maximum-backup-rate; a number alone counts kilobytes a second.',
  });
}
