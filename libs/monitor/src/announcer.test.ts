import type { Client } from 'pg';
import { expect, test } from 'vitest';
import { Announcer } from './announcer.js';

const group = (n: number) => ({ formation: `f${n}`, group: 0 });

/** How often it was told to notify so far, each time over at once unless given, and how often it woke the loop. */
function announcerOfMany(notified: () => Promise<void> = () => Promise.resolve()) {
  let said = 0;
  let woken = 0;
  const query = () => {
    said++;
    return notified();
  };
  const announcer = new Announcer(
    { query } as unknown as Pick<Client, 'query'>,
    (error) => {
      throw error;
    },
    () => woken++,
  );
  announcer.holdsBack = true;
  return { announcer, said: () => said, woken: () => woken };
}

/** What is under way at once is over. */
const over = () => new Promise((resolve) => setImmediate(resolve));

test('the first decision of a group at rest is announced at once, and those that follow on it together', async () => {
  const { announcer, said } = announcerOfMany();
  announcer.decided(group(1), 1000);
  expect(said()).toBe(1);
  await over();
  for (const at of [1030, 1100, 1400]) announcer.decided(group(1), at);
  announcer.announceWhenDue(1529);
  expect(said()).toBe(1);
  announcer.announceWhenDue(1530);
  expect(said()).toBe(2);
  await over();
  expect(announcer.dueAt).toBe(Infinity);
  announcer.decided(group(1), 1801);
  expect(said()).toBe(3);
});

test('another group at rest waits for a few milliseconds at most', async () => {
  const { announcer, said } = announcerOfMany();
  announcer.decided(group(1), 1000);
  await over();
  announcer.decided(group(2), 1010);
  announcer.decided(group(3), 1020);
  expect(said()).toBe(1);
  expect(announcer.dueAt).toBe(1050);
  announcer.announceWhenDue(1050);
  expect(said()).toBe(2);
});

test('what is no decision waits for others like it', async () => {
  const { announcer, said } = announcerOfMany();
  announcer.note(1000);
  announcer.note(1300);
  expect(announcer.dueAt).toBe(1500);
  announcer.announceWhenDue(1500);
  expect(said()).toBe(1);
});

test('what is no goal of a group is announced at once, and holds nothing back that is one', async () => {
  const { announcer, said } = announcerOfMany();
  announcer.hasten(1000);
  expect(said()).toBe(1);
  await over();
  announcer.decided(group(1), 1060);
  expect(said()).toBe(2);
});

test('what became due during an announcement wakes the loop at its end, and nothing else does', async () => {
  let end = () => {};
  const { announcer, said, woken } = announcerOfMany(() => new Promise((resolve) => (end = resolve)));
  announcer.decided(group(1), 1000);
  end();
  await over();
  expect(woken()).toBe(0);
  announcer.decided(group(1), 2000);
  announcer.decided(group(2), 2060);
  expect([announcer.dueAt, woken()]).toEqual([Infinity, 0]);
  end();
  await over();
  expect([announcer.dueAt, woken(), said()]).toEqual([2060, 1, 2]);
});

test('a monitor whose decisions notify by themselves announces nothing', () => {
  const { announcer, said } = announcerOfMany();
  announcer.holdsBack = false;
  announcer.decided(group(1), 1000);
  announcer.hasten(1000);
  expect(said()).toBe(0);
  expect(announcer.dueAt).toBe(Infinity);
});
