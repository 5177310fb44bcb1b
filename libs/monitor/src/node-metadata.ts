import { whyNoRegion } from '@pgaf/core/names';
import type { CommandHandler } from './command-handlers.js';
import { refuseAddress, refuseName } from './node-place.js';
import { requireTerm } from './term.js';

/** A new name, host or port of a node; null keeps what it has. No event: no state changes. */
export const updateNodeMetadata: CommandHandler = async ({ client, term }, command) => {
  const { nodeId, name, host, port } = command.arguments;
  const wrong =
    refuseName(typeof name === 'string' ? name : null) ??
    refuseAddress(typeof host === 'string' ? host : null, typeof port === 'number' ? port : null);
  if (wrong) return wrong;
  const { rows } = await client.query<{ taken: string }>(
    `SELECT pgautofailover_private.designation(other) AS taken
     FROM pgautofailover.node me JOIN pgautofailover.node other ON other.nodeid <> me.nodeid
     WHERE me.nodeid = $1
       AND (other.formationid = me.formationid AND other.nodename = coalesce($2, me.nodename)
            OR other.nodehost = coalesce($3, me.nodehost) AND other.nodeport = coalesce($4, me.nodeport))
     LIMIT 1`,
    [nodeId, name, host, port],
  );
  if (rows[0]) {
    return {
      tag: 'refused',
      sqlstate: '23505',
      message: `the name, or the host and port, is taken already by ${rows[0].taken}`,
      hint: 'Choose another one.',
    };
  }
  return {
    tag: 'accepted',
    answer: { result: true },
    touched: command.group === null ? [] : [{ formation: command.formation, group: command.group }],
    write: async () => {
      await requireTerm(client, term);
      await client.query(
        `UPDATE pgautofailover.node
         SET nodename = coalesce($2, nodename), nodehost = coalesce($3, nodehost), nodeport = coalesce($4, nodeport)
         WHERE nodeid = $1`,
        [nodeId, name, host, port],
      );
    },
  };
};

/** Where a node stands, for people and tools; nothing is decided by it. */
export const setNodeRegion: CommandHandler = async ({ client, term }, command) => {
  const { nodeId, region } = command.arguments;
  const text = typeof region === 'string' ? region : '';
  const why = whyNoRegion(text);
  if (why !== null) {
    return {
      tag: 'refused',
      sqlstate: '22023',
      message: `the region "${text}" ${why}`,
      hint: 'Give another name.',
    };
  }
  return {
    tag: 'accepted',
    answer: { result: true },
    touched: [],
    write: async () => {
      await requireTerm(client, term);
      await client.query('SELECT pgautofailover_private.set_node_settings($1, NULL, NULL, $2)', [
        nodeId,
        region,
      ]);
    },
  };
};
