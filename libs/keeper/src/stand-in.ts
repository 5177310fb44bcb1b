import { QueryError, type LocalClient, type Row } from '@pgaf/postgres/query';

/** The same client; while Postgres has no connection left for it, what it asks goes over another one that stands. */
export function withStandIns(own: LocalClient, others: readonly LocalClient[]): LocalClient {
  return {
    async query<R extends Row>(sql: string, values?: readonly unknown[]): Promise<R[]> {
      let refusal: unknown;
      for (const client of [own, ...others]) {
        try {
          return await client.query<R>(sql, values);
        } catch (error) {
          if (!(error instanceof QueryError) || !error.turnedAway) throw error;
          refusal ??= error;
        }
      }
      throw refusal;
    },
    close: () => own.close(),
  };
}
