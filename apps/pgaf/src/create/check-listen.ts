import { EXIT, UserError } from '@pgaf/core/errors';

/**
 * As Postgres takes listen_addresses: names and addresses with commas, `*`, `0.0.0.0` or `::` for all. Without one
 * no other host could reach this one.
 * @throws UserError `bad-value`.
 */
export function checkListen(addresses: string): void {
  const wrong = addresses
    .split(',')
    .map((address) => address.trim())
    .find((address) => !/^(\*|[\w.:%-]+)$/.test(address));
  if (wrong === undefined) return;
  throw new UserError(
    addresses.trim() === '' ? '--listen is empty.' : `--listen: "${wrong}" is no address to listen on.`,
    {
      code: 'bad-value',
      exit: EXIT.badArguments,
      hint: 'Give --listen addresses of this host with commas between them, or leave it out to listen on all.',
    },
  );
}
