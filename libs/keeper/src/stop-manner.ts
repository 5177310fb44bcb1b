/**
 * `handOff` (SIGUSR2): Postgres goes on, for the next keeper to adopt; so it does when the keeper of a paused node is
 * stopped in an orderly way. `orderly` (SIGTERM): a primary hands over first, and from a standby the primary goes on
 * first; Postgres is stopped, and the monitor told. `quick` (SIGINT): Postgres is stopped, nobody told. `immediate`
 * (SIGQUIT): without a checkpoint, and the monitor told.
 */
export type StopManner = 'handOff' | 'orderly' | 'quick' | 'immediate';

const STRENGTH: Readonly<Record<StopManner, number>> = { handOff: 0, orderly: 1, quick: 2, immediate: 3 };

/** Of two orders to stop the one that counts. */
export function strongerManner(one: StopManner | null, other: StopManner): StopManner {
  return one !== null && STRENGTH[one] >= STRENGTH[other] ? one : other;
}
