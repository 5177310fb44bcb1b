import { QueryError, type LocalClient, type Row } from '@pgaf/postgres/query';

/** The same client; `answered` is called at each answer of Postgres, an error of its own included. */
export function answering(client: LocalClient, answered: () => void): LocalClient {
  return {
    async query<R extends Row>(sql: string, values?: readonly unknown[]): Promise<R[]> {
      try {
        const rows = await client.query<R>(sql, values);
        answered();
        return rows;
      } catch (error) {
        if (error instanceof QueryError && error.sqlState !== undefined) answered();
        throw error;
      }
    },
    close: () => client.close(),
  };
}
