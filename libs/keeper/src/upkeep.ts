import { canTakeWrites, handsOver, promises } from '@pgaf/core/states';
import type { Milliseconds } from '@pgaf/core/durations';
import { hasDiverged } from '@pgaf/core/timeline';
import type { Step } from '@pgaf/plugin-api';
import { nodeOfConninfo } from './conninfo-node.js';
import type { Situation } from './situation.js';
import { standstillOf } from './standstill.js';
import { whatMustHold } from './what-must-hold.js';

/** Slots of a standby hold WAL until they are advanced. */
const ADVANCE_SLOTS_EVERY: Milliseconds = 10_000;
/** The slot of a node that is gone holds WAL for as long as it is there. */
const DROP_SLOTS_AGAIN: Milliseconds = 1000;

const FOLLOWING = new Set(['catchingup', 'secondary', 'join_secondary']);

/** The steps that are due while a node stays in its state; none when all holds. */
export function dueUpkeep(situation: Situation, now: Milliseconds): readonly Step[] {
  const { state, instance, observation } = situation;
  switch (whatMustHold(state.current)) {
    case 'anything':
      return [];
    case 'stopped':
      if (!instance.isRunning()) return owesOath(situation) ? [{ do: 'recordStop' }] : [];
      // Somebody started it by hand, so that it has another final LSN now.
      return handsOver(state.current)
        ? [{ do: 'stopPostgres' }, { do: 'recordStop' }]
        : [{ do: 'stopPostgres' }];
    case 'writable':
      if (!instance.isRunning()) return !state.paused && situation.mayOpen() ? [{ do: 'startPostgres' }] : [];
      return observation && !observation.inRecovery ? leaderUpkeep(situation, now) : [];
    case 'standby':
      if (!instance.isRunning()) return state.paused ? [] : [{ do: 'startPostgres' }];
      if (observation?.inRecovery) return standbyUpkeep(situation, now);
      // Its start takes back what was written.
      return observation && standstillOf(situation) === 'wrote-alone' ? [{ do: 'stopPostgres' }] : [];
  }
}

/** The leader was told to open in this epoch, and to stop again before it did: its oath was for the last one. */
function owesOath({ state, assignment }: Situation): boolean {
  const { current, goal } = state;
  // Whom the epoch was not given to follows in it.
  if (assignment?.leader !== state.nodeId) return false;
  return current === goal && handsOver(current) && (state.stopped?.belowEpoch ?? 0) <= state.epoch;
}

function leaderUpkeep(situation: Situation, now: Milliseconds): readonly Step[] {
  const due = peerUpkeep(situation, now);
  const setting = situation.assignment?.setting;
  if (setting && setting.version !== situation.state.confirmedSetting) {
    return [...due, { do: 'setSyncStandbys' }, { do: 'confirmSyncStandbys' }];
  }
  return due;
}

/** It has promised for an epoch whose leader was given up, and is asked for the next one. */
function owesNewPromise({ state, assignment }: Situation): boolean {
  const { current, goal, promised, epoch } = state;
  return promises(current) && current === goal && promised <= epoch && assignment?.leader === null;
}

function standbyUpkeep(situation: Situation, now: Milliseconds): readonly Step[] {
  const { state, assignment, observation } = situation;
  if (owesNewPromise(situation)) return [{ do: 'promise' }];
  const due = peerUpkeep(situation, now);
  if (!FOLLOWING.has(state.current) || !assignment || !observation) return due;
  const leader = situation.leader();
  const local = { timeline: Math.max(observation.timeline, state.tli), lsn: observation.lsn };
  const cannotFollow = state.current === 'catchingup' && !observation.walReceiver && !state.paused;
  // Its start mends that.
  if (standstillOf(situation) !== null && leader && canTakeWrites(leader.reported))
    return [{ do: 'stopPostgres' }];
  if (cannotFollow && leader && canTakeWrites(leader.reported) && hasDiverged(local, assignment.lineage)) {
    return [
      { do: 'stopPostgres' },
      { do: 'rewindOrCopy' },
      { do: 'writeSettings' },
      { do: 'writeStandbyConfig' },
      { do: 'startPostgres' },
    ];
  }
  const followed = nodeOfConninfo(observation.primaryConninfo, assignment.nodes);
  const follow: Step[] =
    leader && !state.strayed && (followed?.id !== leader.id || situation.followAgain)
      ? [{ do: 'followLeader' }]
      : [];
  const advance: Step[] = now - situation.slotsAt > ADVANCE_SLOTS_EVERY ? [{ do: 'maintainSlots' }] : [];
  return [...follow, ...(due.length > 0 ? due : advance)];
}

/** Settings, hba and slots follow the peers. */
function peerUpkeep(situation: Situation, now: Milliseconds): Step[] {
  if (!situation.assignment) return [];
  const key = situation.peersKey();
  const again = situation.slotsLeft && now - situation.slotsAt > DROP_SLOTS_AGAIN;
  return [
    ...(situation.slotsFor === key && !again ? [] : [{ do: 'maintainSlots' } as const]),
    ...(situation.hbaHolds() ? [] : [{ do: 'writeSettings' } as const]),
  ];
}
