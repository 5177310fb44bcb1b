import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Formation, Member } from '@pgaf/testing/formation';
import type { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 2000;

/** Of the node that takes writes; whoever asks ends it. */
export function connectToPrimary({ uri }: Pick<Formation, 'uri'>): Promise<Client> {
  return connect(parseConnInfo(uri), { connectTimeoutMs: CONNECT_TIMEOUT_MS });
}

export async function onPrimary<T>(
  formation: Pick<Formation, 'uri'>,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  return used(await connectToPrimary(formation), work);
}

/** On this node, whatever it is. */
export async function onNode<T>({ host, port }: Member, work: (client: Client) => Promise<T>): Promise<T> {
  const uri = `postgres://postgres@${host.address}:${port}/postgres?sslmode=prefer`;
  return used(await connect(parseConnInfo(uri), { connectTimeoutMs: CONNECT_TIMEOUT_MS }), work);
}

async function used<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
