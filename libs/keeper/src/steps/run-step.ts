import type { Outcome } from '@pgaf/core/result';
import type { Step } from '@pgaf/plugin-api';
import { copyFromLeader, initialize, rewindOrCopy } from './data-directory.js';
import { recordStop, startPostgres, stopPostgres } from './postmaster.js';
import { promise } from './promise.js';
import { promoteNode } from './promote.js';
import { followLeader, writePrimaryConfig, writeStandbyConfig } from './recovery-mode.js';
import { fastForward } from './fast-forward.js';
import { createRoles } from './roles.js';
import { applySettings } from './settings.js';
import { maintainSlots } from './slots.js';
import type { StepContext } from './step-context.js';
import { awaitStreaming } from './streaming.js';
import { checkpoint, verifySuccessor, verifyTarget } from './switchover.js';
import { confirmSyncStandbys, setSyncStandbys } from './sync-standbys.js';

/** Carries out one step of the vocabulary. */
export function runStep(context: StepContext, step: Step): Promise<Outcome> {
  switch (step.do) {
    case 'initdb':
      return initialize(context);
    case 'copyFromLeader':
      return copyFromLeader(context);
    case 'rewindOrCopy':
      return rewindOrCopy(context);
    case 'writeSettings':
      return applySettings(context);
    case 'writePrimaryConfig':
      return writePrimaryConfig(context);
    case 'writeStandbyConfig':
      return writeStandbyConfig(context);
    case 'followLeader':
      return followLeader(context);
    case 'startPostgres':
      return startPostgres(context);
    case 'stopPostgres':
      return stopPostgres(context);
    case 'checkpoint':
      return checkpoint(context);
    case 'verifyTarget':
      return verifyTarget(context);
    case 'verifySuccessor':
      return verifySuccessor(context);
    case 'recordStop':
      return recordStop(context);
    case 'createRoles':
      return createRoles(context);
    case 'maintainSlots':
      return maintainSlots(context);
    case 'setSyncStandbys':
      return setSyncStandbys(context);
    case 'confirmSyncStandbys':
      return confirmSyncStandbys(context);
    case 'promise':
      return promise(context);
    case 'fastForward':
      return fastForward(context);
    case 'promote':
      return promoteNode(context);
    case 'awaitStreaming':
      return awaitStreaming(context);
    case 'plugin':
      return context.part.runStep(step.kind, step.step, context.signal);
  }
}
