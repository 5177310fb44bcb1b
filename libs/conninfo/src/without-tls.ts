import type { Milliseconds } from '@pgaf/core/durations';

/** A server may come back with TLS. */
const BELIEVED: Milliseconds = 10_000;

const answeredAt = new Map<string, number>();

/** Notes that the server there has just said that it speaks no TLS. */
export function noteWithoutTls(host: string, port: number): void {
  answeredAt.set(`${host}:${port}`, performance.now());
}

/**
 * Whether the server there said so lately. pg's client cannot go on in the connection in which it asked, and needs a
 * second one for each session; of who looks for the primary among several, `prefer` begins with plain text where that is
 * how it would end. A server that wants TLS by then refuses plain text, and gets it.
 */
export function isWithoutTls(host: string, port: number): boolean {
  const at = answeredAt.get(`${host}:${port}`);
  return at !== undefined && performance.now() - at < BELIEVED;
}
