import type { KeeperPart } from '@pgaf/plugin-api';
import { awaitCoordinator } from './await-coordinator.js';
import { awaitLettingGo } from './await-letting-go.js';
import { awaitPause, confirmPause } from './await-pause.js';
import { holdCommits } from './hold-commits.js';
import { reconcile } from './reconcile.js';
import { recoverTransactions } from './recover-transactions.js';

const part: KeeperPart = {
  steps: { awaitCoordinator, awaitLettingGo, awaitPause, confirmPause },
  localSteps: { holdCommits },
  reconcile,
  whileLeader: recoverTransactions,
};
export default part;
