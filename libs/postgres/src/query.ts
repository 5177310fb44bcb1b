import { Socket } from 'node:net';
import { userInfo } from 'node:os';
import pg from 'pg';
import { EXIT, PgafError } from '@pgaf/core/errors';

/** A Postgres on this host, by its Unix socket. */
export interface LocalServer {
  readonly socketDirectory: string;
  readonly port: number;
  readonly database: string;
  /** Default: the name of the operating system's user, who is the superuser of what we create. */
  readonly user?: string | undefined;
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string | undefined;
  /** How long the server may work on one statement, milliseconds; a server that does not answer gets as long again. */
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs?: number | undefined;
  /** How long a query waits for a login under way, which goes on for whoever asks next; default: until it ends. */
  readonly awaitLoginMs?: number | undefined;
}

/** Values as pg gives them: int8 and pg_lsn as text, json parsed. */
export type Row = Record<string, unknown>;

export interface LocalClient {
  /** @throws QueryError. After a broken connection the next call connects anew. */
  query<R extends Row>(sql: string, values?: readonly unknown[]): Promise<R[]>;
  /** Ends the connection; a later query would open it again. */
  close(): Promise<void>;
}

/** No connection is left for one more; whoever has one is served. */
const TOO_MANY_CONNECTIONS = '53300';
const CANNOT_CONNECT_NOW = '57P03';

/** A statement failed, or the connection. */
export class QueryError extends PgafError {
  /** Five characters of Postgres; undefined when the connection failed rather than the statement. */
  readonly sqlState: string | undefined;
  /** Nothing came back within the time, neither an answer nor an error. */
  readonly timedOut: boolean;

  constructor(cause: unknown) {
    const database = cause instanceof pg.DatabaseError ? cause : undefined;
    const message = cause instanceof Error ? cause.message : String(cause);
    super(`Local Postgres: ${message}`, {
      code: database ? 'statement-failed' : 'connection-failed',
      exit: EXIT.pgsql,
      cause,
      ...(database?.hint === undefined ? {} : { hint: database.hint }),
    });
    this.sqlState = database?.code;
    // The words of pg, which has no code for it: "Query read timeout", "timeout expired", "… due to connection timeout".
    this.timedOut = database === undefined && /timeout/.test(message);
  }

  /** Postgres works, and has no connection left. */
  get turnedAway(): boolean {
    return this.sqlState === TOO_MANY_CONNECTIONS;
  }

  /** Postgres lets nobody in before it has started or recovered, nor while it stops. */
  get notYet(): boolean {
    return this.sqlState === CANNOT_CONNECT_NOW;
  }
}

const CONNECT_TIMEOUT_MS = 2000;
/** A Postgres that is frozen does not close the connection of a client that leaves. */
const GOODBYE_MS = 1000;

interface Connection {
  readonly client: pg.Client;
  readonly socket: Socket;
}

async function connect(server: LocalServer): Promise<Connection> {
  const socket = new Socket();
  const client = new pg.Client({
    stream: () => socket,
    host: server.socketDirectory,
    port: server.port,
    database: server.database,
    // Not pg's default, which is $USER as it was when pg was loaded.
    user: server.user ?? userInfo().username,
    ssl: false,
    application_name: server.applicationName ?? 'pgaf',
    connectionTimeoutMillis: server.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    statement_timeout: server.statementTimeoutMs,
    query_timeout: 2 * server.statementTimeoutMs,
  });
  // Without a listener the end of Postgres would be an uncaught error that ends us, too.
  client.on('error', () => {});
  await client.connect();
  return { client, socket };
}

async function disconnect({ client, socket }: Connection): Promise<void> {
  const given = setTimeout(() => socket.destroy(), GOODBYE_MS);
  await client.end().catch(() => {});
  clearTimeout(given);
}

/** @throws QueryError when the login takes longer than this. */
async function awaitLogin(login: Promise<Connection>, limitMs: number | undefined): Promise<void> {
  if (limitMs === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new QueryError(new Error('timeout, the login goes on'))), limitMs);
  });
  const ended = login.then(
    () => undefined,
    () => undefined,
  );
  try {
    await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A connection that opens with the first query, stays open, and comes back after Postgres does. */
export function localClient(server: LocalServer): LocalClient {
  let current: Promise<Connection> | undefined;

  const forget = (connection: Promise<Connection>): void => {
    if (current === connection) current = undefined;
    void connection.then(disconnect).catch(() => {});
  };
  const open = (): Promise<Connection> => {
    const connection = connect(server);
    current = connection;
    connection.then(
      ({ client }) => client.once('end', () => current === connection && (current = undefined)),
      () => forget(connection),
    );
    return connection;
  };
  return {
    async query<R extends Row>(sql: string, values: readonly unknown[] = []): Promise<R[]> {
      const connection = current ?? open();
      await awaitLogin(connection, server.awaitLoginMs);
      try {
        const { client } = await connection;
        const result =
          values.length === 0 ? await client.query<R>(sql) : await client.query<R>(sql, [...values]);
        return result.rows;
      } catch (error) {
        // A statement's own error leaves the connection usable; after anything else nobody knows what comes next.
        if (!(error instanceof pg.DatabaseError) || error.severity === 'FATAL') forget(connection);
        throw new QueryError(error);
      }
    },
    async close(): Promise<void> {
      const connection = current;
      current = undefined;
      await connection?.then(disconnect).catch(() => {});
    },
  };
}

/** What Postgres says besides its answers. */
export interface Notice {
  /** Five characters; 00000 when it is no warning. */
  readonly sqlState: string;
  readonly message: string;
}

/**
 * A connection for transactions: once it is lost, each query fails, so that none runs outside the transaction that it
 * was meant for. @throws QueryError, also its queries.
 */
export async function openSession(
  server: LocalServer,
  onNotice: (notice: Notice) => void = () => {},
): Promise<LocalClient> {
  const connection = await connect(server).catch((error: unknown) => {
    throw new QueryError(error);
  });
  connection.client.on('notice', ({ code = '', message = '' }) => onNotice({ sqlState: code, message }));
  return {
    async query<R extends Row>(sql: string, values: readonly unknown[] = []): Promise<R[]> {
      try {
        return (await connection.client.query<R>(sql, [...values])).rows;
      } catch (error) {
        throw new QueryError(error);
      }
    },
    close: () => disconnect(connection),
  };
}

/** Runs `work` on a connection of its own, which ends with it. */
export async function withConnection<T>(
  server: LocalServer,
  work: (client: LocalClient) => Promise<T>,
): Promise<T> {
  const client = localClient(server);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
