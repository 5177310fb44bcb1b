import { sendSignal } from '@pgaf/testing/end-processes';
import type { Member } from '@pgaf/testing/formation';
import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { leaksOf } from './leaks.js';
import type { Ledger } from './ledger.js';
import type { Moment } from './moments.js';
import type { Operation, Shape } from './operations.js';
import type { Stage } from './stage.js';
import type { Victim } from './victims.js';
import type { WritableWatch } from './writable-watch.js';

export interface Strike {
  readonly victim: Victim;
  /** Between the moment and the fault. */
  readonly delayMs: Milliseconds;
}

/** Decides at each moment whom to kill; null lets it pass. */
export interface Plan {
  readonly strikeAt: (moment: Moment) => Strike | null;
  /** Told whether there was such a process to kill. */
  readonly struck: (moment: Moment, victim: Victim, found: boolean) => void;
}

export const NO_FAULT: Plan = { strikeAt: () => null, struck: () => undefined };

export interface Played {
  /** Where the formation stands afterwards. */
  readonly shape: Shape;
  readonly ms: Milliseconds;
  readonly outageMs: Milliseconds;
  /** It went the way it is named for, as far as that is told. */
  readonly told: boolean;
}

export interface Scene {
  readonly stage: Stage;
  readonly ledger: Ledger;
  readonly writable: WritableWatch;
}

/** How long a failover may get no further before its lost node is started. */
const WAITS_FOR: Milliseconds = 6000;
/** How long one may take that says nothing, on a busy machine. */
const SILENT_FOR: Milliseconds = 45_000;
const LOOK_EVERY: Milliseconds = 100;

/** Something that must never be: a row that is lost, two primaries, something left behind. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/**
 * Plays an operation while a client writes and the plan kills; afterwards the formation is stable again, holds
 * every acknowledged row, and nothing is left behind.
 * @throws Violation, or the Error of a wait that did not end; both say what happened.
 */
export async function runOperation(scene: Scene, operation: Operation, plan: Plan): Promise<Played> {
  const { stage, ledger } = scene;
  const { tells } = operation;
  let told = tells === undefined;
  const start = performance.now();
  stage.timeline.restart();
  stage.timeline.add(`begin: ${operation.name}`);
  if (operation.from === 'empty') ledger.forget();
  else await ledger.begin();
  const pending = new Set<Promise<void>>();
  stage.onMoment((moment, about) => {
    const strike = strikeWhenDue(stage, plan, moment, about).finally(() => pending.delete(strike));
    pending.add(strike);
  });
  stage.onLine((text) => (told ||= tells !== undefined && text.startsWith(tells)));
  try {
    await operation.begin(stage);
    const shape = await arrive(scene, operation);
    // What strikes late strikes the formation at rest, which comes to rest again.
    while (pending.size > 0) {
      await Promise.all(pending);
      await stage.untilShape(shape);
    }
    stage.onMoment(() => undefined);
    const outageMs = await settleAccounts(scene, operation, shape);
    const faults = [...stage.faults, ...scene.writable.faults()];
    if (faults.length > 0) throw new Violation(faults.join('\n'));
    return { shape, ms: performance.now() - start, outageMs, told };
  } catch (error) {
    throw await withStory(scene, error);
  } finally {
    stage.onMoment(() => undefined);
    stage.onLine(() => undefined);
    await ledger.end();
  }
}

async function strikeWhenDue(stage: Stage, plan: Plan, moment: Moment, about: Member): Promise<void> {
  const strike = plan.strikeAt(moment);
  if (!strike) return;
  const { victim, delayMs } = strike;
  if (delayMs > 0) await pause(delayMs);
  const pid = victim.pid(stage, about);
  if (pid !== null) sendSignal(pid, 'SIGKILL');
  stage.timeline.add(`SIGKILL ${victim.name} ${pid ?? '(there is none)'} at ${moment}`);
  plan.struck(moment, victim, pid !== null);
}

/** A failover whose proof a fault took away waits for the lost node, says so, and goes on when that is started. */
async function arrive({ stage }: Scene, operation: Operation): Promise<Shape> {
  if (operation.to === 'lost' && (await isStuckWithout(stage))) {
    await stage.bringBack();
    await stage.untilShape('two');
    return 'two';
  }
  await stage.untilShape(operation.to);
  return operation.to;
}

/** True once the monitor has said for a while that it waits for the lost node; false when the failover is done. */
async function isStuckWithout(stage: Stage): Promise<boolean> {
  let since = performance.now();
  let before = '';
  while (!(await stage.has('lost'))) {
    const text = (await stage.waitsFor()).join('; ');
    if (text !== before) since = performance.now();
    before = text;
    const waited = performance.now() - since;
    if (waited > WAITS_FOR && text.includes(stage.lostNode().host.name)) {
      stage.timeline.add(`the failover waits: ${text}`);
      return true;
    }
    if (waited > SILENT_FOR) throw new Violation(`the failover is not done and says not why: ${text}`);
    await pause(LOOK_EVERY);
  }
  return false;
}

async function settleAccounts(
  { stage, ledger }: Scene,
  operation: Operation,
  shape: Shape,
): Promise<Milliseconds> {
  if (operation.from === 'empty') await ledger.begin();
  if (shape !== 'empty') await ledger.untilWriting();
  const outageMs = await ledger.end();
  if (shape !== 'empty') {
    const { sentences } = await ledger.faults();
    if (sentences.length > 0) throw new Violation(sentences.join('\n'));
  }
  const leaks = await leaksOf(stage, shape);
  if (leaks.length > 0) throw new Violation(`left behind:\n${leaks.join('\n')}`);
  return outageMs;
}

async function withStory({ stage }: Scene, error: unknown): Promise<Error> {
  const text = error instanceof Error ? error.message : String(error);
  const story = ['timeline:', stage.timeline.text(), await stage.formation.describe()].join('\n');
  return new Violation(text.includes('states:') ? `${text}\n${stage.timeline.text()}` : `${text}\n${story}`, {
    cause: error,
  });
}
