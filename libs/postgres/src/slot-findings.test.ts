import { expect, test } from 'vitest';
import type { LocalClient } from './query.js';
import { findSlotProblems } from './slot-findings.js';
import { ensureSlots } from './slots.js';
import { newPrimary } from './testing/servers.js';

async function fillSegments(client: LocalClient, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await client.query(`SELECT pg_logical_emit_message(false, 'test', 'x')`);
    await client.query('SELECT pg_switch_wal()');
  }
}

async function configure(client: LocalClient, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await client.query(`ALTER SYSTEM SET ${name} = '${value}'`);
  }
  await client.query('SELECT pg_reload_conf()');
}

test('a slot is told of while it holds much, when it is near its bound, past it, and lost; then it is made anew', async () => {
  const one = await newPrimary();
  const tell = async (): Promise<string[]> =>
    (await findSlotProblems(one.client)).findings.map(({ sentence }) => sentence);
  await configure(one.client, {
    max_slot_wal_keep_size: '320MB',
    max_wal_size: '64MB',
    wal_keep_size: '0',
    checkpoint_timeout: '1d',
  });
  await ensureSlots(one.client, [2]);
  await one.client.query(`SELECT pg_create_physical_replication_slot('backup_tool', true)`);
  const told: string[] = [];
  for (let round = 0; round < 40 && !told.some((text) => text.includes('has lost')); round++) {
    await fillSegments(one.client, 1);
    const [, ours] = await tell();
    if (ours !== undefined && told.at(-1) !== ours) told.push(ours);
    // From here on no checkpoint comes by itself.
    if (ours?.includes('is near')) await configure(one.client, { max_wal_size: '10GB' });
    if (ours?.includes('at the next checkpoint')) await one.client.query('CHECKPOINT');
  }
  const again = 'it is lost, and node 2 is copied anew: bring node 2 back, or drop it';
  const slot = 'slot "pgautofailover_standby_2"';
  expect(told).toEqual([
    `${slot} holds back more WAL than max_wal_size (64MB), past max_slot_wal_keep_size (320MB) ${again}`,
    `${slot} is near max_slot_wal_keep_size (320MB), past which ${again}`,
    `${slot} holds more WAL than max_slot_wal_keep_size (320MB) allows, and at the next checkpoint ${again}`,
    `${slot} has lost WAL that was not received yet: node 2 is copied anew when it is back`,
  ]);
  expect((await tell())[0]).toBe('slot "backup_tool" has lost WAL that was not received yet: drop it');
  expect((await findSlotProblems(one.client)).lostOfOurs).toBe(true);

  expect(await ensureSlots(one.client, [2])).toMatchObject({
    created: ['pgautofailover_standby_2'],
    dropped: ['pgautofailover_standby_2'],
  });
  expect(await findSlotProblems(one.client)).toMatchObject({ lostOfOurs: false, findings: [{}] });
});
