import { FormationContainer, type StartedFormation } from '@pgaf/testing';
import { pgsql } from '@pgaf/plugin-pgsql/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Orders } from '../src/orders.js';

describe('orders', () => {
  let formation: StartedFormation;
  let orders: Orders;

  beforeAll(async () => {
    formation = await new FormationContainer(pgsql({ nodes: 2, dbname: 'shop' }))
      .withImage(process.env['PGAF_IMAGE'] ?? 'pgaf:15')
      // A CI that removes by them what a job has left over says them as JSON.
      .withLabels(JSON.parse(process.env['CONTAINER_LABELS'] ?? '{}'))
      .start();
    orders = new Orders(() => formation.getPrimaryConnectionUri());
    await orders.prepare();
  }, 240_000);
  afterAll(() => formation?.stop(), 60_000);

  it('are kept when the primary dies', async () => {
    await orders.place(1, 'tea');
    const primary = await formation.getPrimary();
    await primary.kill();
    await orders.place(2, 'coffee');
    expect(await orders.count()).toBe(2);
    expect((await formation.getPrimary()).getNodeName()).not.toBe(primary.getNodeName());

    await primary.boot();
    await formation.waitUntilStable();
    await formation.waitForState(primary.getNodeName(), 'secondary');
  }, 180_000);

  it('are kept when the primary’s network fails', async () => {
    const primary = await formation.getPrimary();
    await primary.disconnect();
    await orders.place(3, 'water');
    await primary.reconnect();
    await formation.waitForState(primary.getNodeName(), 'secondary');
    expect(await orders.count()).toBe(3);
  }, 180_000);

  it('are placed while a standby takes over as planned', async () => {
    await formation.waitUntilStable();
    const placing = Promise.all([4, 5, 6].map((id) => orders.place(id, 'cake')));
    await formation.switchover();
    await placing;
    expect(await orders.count()).toBe(6);
  }, 180_000);
});
