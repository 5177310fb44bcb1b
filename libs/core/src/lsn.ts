/** A position in the WAL, in bytes. Postgres prints it as two hexadecimal halves, `0/3000148`. */
export type Lsn = bigint;

export const INVALID_LSN: Lsn = 0n;

const TEXT = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** @throws RangeError when the text is not an LSN. */
export function parseLsn(text: string): Lsn {
  const halves = TEXT.exec(text);
  if (!halves) throw new RangeError(`"${text}" is not an LSN such as 0/3000148`);
  return (BigInt(`0x${halves[1]}`) << 32n) | BigInt(`0x${halves[2]}`);
}

export function formatLsn(lsn: Lsn): string {
  const high = (lsn >> 32n).toString(16).toUpperCase();
  const low = (lsn & 0xffffffffn).toString(16).toUpperCase();
  return `${high}/${low}`;
}

export function maxLsn(...lsns: Lsn[]): Lsn {
  return lsns.reduce((most, lsn) => (lsn > most ? lsn : most), INVALID_LSN);
}
