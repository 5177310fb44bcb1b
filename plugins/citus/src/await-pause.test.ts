import type { JsonObject } from '@pgaf/core/json';
import type { FormationView, KeeperContext, NodeView } from '@pgaf/plugin-api';
import { expect, it } from 'vitest';
import { awaitPause, confirmPause } from './await-pause.js';

/** A worker’s primary that is to make way, the coordinator, and the monitor between them, as the test has them. */
class Scene {
  /** The words of the worker and of the coordinator. */
  said: JsonObject = {};
  answer: JsonObject = {};
  monitorIsAway = false;
  leaving = false;
  givenUp: string | null = null;
  /** Called at each look, before it is answered. */
  onLook: () => void = () => undefined;

  get token(): string | null {
    const { pauseFor } = this.said;
    return typeof pauseFor === 'string' ? pauseFor : null;
  }

  context(): KeeperContext {
    const formation = this.#view();
    const node = formation.groups[1]?.nodes[0];
    const nowhere = () => Promise.reject(new Error('no Postgres here'));
    if (!node) throw new Error('the formation has a worker');
    return {
      ...{ node, formation, settings: {}, signal: new AbortController().signal },
      sql: { query: nowhere, session: nowhere },
      log: () => undefined,
      leaseLeft: () => 4000,
      lookAgain: () => {
        this.onLook();
        return this.monitorIsAway ? Promise.reject(new Error('away')) : Promise.resolve(this.#view());
      },
      say: (name, value) => (this.said = { ...this.said, [name]: value }),
      tell: () => Promise.resolve(),
      handover: { target: 3, forced: false, leaving: this.leaving, isSucceeded: false },
      giveUpHandover: (reason) => (this.givenUp = reason),
      runWhileLeader: () => undefined,
    };
  }

  #view(): FormationView {
    const asking = node(2, { goal: 'draining', said: this.said });
    const standby = node(3, { reported: 'secondary', goal: 'secondary' });
    return {
      ...{ formation: 'default', kind: 'citus', dbname: 'citus' },
      groups: [groupOf(0, node(1, { role: 'coordinator', said: this.answer })), groupOf(1, asking, standby)],
    };
  }
}

function node(id: number, change: Partial<NodeView>): NodeView {
  return {
    ...{ id, name: `n${id}`, host: `h${id}`, port: 5432, role: 'worker', cluster: 'default' },
    ...{ reported: 'primary', goal: 'primary' },
    ...change,
  };
}

function groupOf(group: number, ...nodes: readonly NodeView[]): FormationView['groups'][number] {
  return { group, epoch: 1, leader: nodes[0]?.id ?? 0, memory: {}, restored: false, nodes };
}

it('waits for the word that the pause is held', async () => {
  const scene = new Scene();
  let looks = 0;
  scene.onLook = () => {
    if (++looks === 3) scene.answer = { pause: { token: scene.token } };
  };
  expect(await awaitPause(scene.context())).toEqual({ tag: 'done' });
  expect(looks).toBe(3);
  expect(await confirmPause(scene.context())).toEqual({ tag: 'done' });
});

it('asks anew once the monitor was away: what it was answered before may be over', async () => {
  const scene = new Scene();
  let first: string | null = null;
  scene.onLook = () => {
    first ??= scene.token;
    if (!scene.monitorIsAway && scene.token === first) {
      // It was held, and nobody heard of it.
      scene.answer = { pause: { token: first } };
      scene.monitorIsAway = true;
    } else if (scene.monitorIsAway) {
      scene.monitorIsAway = false;
    } else {
      scene.answer = { pause: { token: scene.token } };
    }
  };
  expect(await awaitPause(scene.context())).toEqual({ tag: 'done' });
  expect(scene.token).not.toBe(first);
  expect(scene.givenUp).toBeNull();
});

it('with a monitor that stays away the switchover is given up, and who leaves goes', async () => {
  const scene = new Scene();
  scene.monitorIsAway = true;
  scene.leaving = true;
  expect(await awaitPause(scene.context())).toEqual({ tag: 'done' });
  expect(scene.givenUp).toBeNull();
  scene.leaving = false;
  expect((await awaitPause(scene.context())).tag).toBe('retry');
  expect(scene.givenUp).toContain('the monitor does not answer');
  expect(scene.token).toBeNull();
}, 30_000);

it('does not stop for a pause that is over', async () => {
  const scene = new Scene();
  scene.said = { pauseFor: 'a' };
  scene.answer = { pause: { token: 'a', refused: 'it was not ready in time' } };
  expect((await confirmPause(scene.context())).tag).toBe('retry');
  expect(scene.givenUp).toBe('it was not ready in time');
  expect(scene.token).toBeNull();
});

it('is held again by a coordinator whose keeper says nothing any more', async () => {
  const scene = new Scene();
  scene.said = { pauseFor: 'a' };
  expect((await confirmPause(scene.context())).tag).toBe('retry');
  expect(scene.givenUp).toBeNull();
});
