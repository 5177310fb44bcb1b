import type { State } from '@pgaf/core/states';
import type { MonitorRule } from './vocabulary.js';

/**
 * A node that was asked to promise and hears of it only after the order would promise for the epoch after the
 * next one. So no order leaves such a goal behind.
 */
const PROMISING: readonly State[] = ['report_lsn', 'fast_forward', 'prepare_promotion'];

/** The goals of standbys that follow the next leader by reload, as they followed the last one. */
const FOLLOWING: readonly State[] = ['secondary', 'join_secondary', ...PROMISING];

/** A standby that runs, with everything there or not: what it acknowledged counts. */
const RUNNING_STANDBY: readonly State[] = ['secondary', 'catchingup', 'join_secondary'];

/**
 * A leader to follow is on its way between these, or rests in one: its way may wait for the very standby that this is
 * about, such as for the second one of two that must acknowledge commits.
 */
const REPLICATES: readonly State[] = ['wait_primary', 'join_primary', 'primary', 'apply_settings'];

/** A leader that was told to stop so that another node takes over. */
const HANDING_OVER: readonly State[] = ['draining', 'prepare_maintenance'];

/** The states in which a leader takes writes. */
const WRITABLE: readonly State[] = ['single', 'wait_primary', 'join_primary', 'primary', 'apply_settings'];

/**
 * The monitor's rules for every kind of formation. Read from the top: the first row that matches and changes
 * something wins, then the table is read again, until nothing changes.
 */
export const BASE_RULES: readonly MonitorRule[] = [
  // Nodes that leave
  {
    id: 'drop.forgetFollower',
    about: 'follower',
    subject: { converged: ['dropped'] },
    assign: {},
    effects: ['removeNode'],
    because: 'the node was dropped and has stopped',
  },
  {
    id: 'drop.forgetLastLeader',
    about: 'leader',
    subject: { converged: ['dropped'] },
    guards: ['noFollower'],
    assign: {},
    effects: ['removeNode'],
    because: 'the last node of the group was dropped and has stopped',
  },
  {
    id: 'drop.stays',
    about: 'leader',
    subject: { reported: REPLICATES, goal: ['dropped'] },
    // Who has promised for the next epoch does not come back in this one.
    noOther: { goal: PROMISING },
    guards: ['abandonedSwitchover', 'leaderStays'],
    assign: { subject: 'primary' },
    effects: ['endSwitchover'],
    because: 'its keeper gave the drop up before Postgres was stopped',
  },
  {
    id: 'drop.lastStays',
    about: 'leader',
    subject: { reported: ['single'], goal: ['dropped'] },
    guards: ['abandonedSwitchover', 'leaderStays'],
    assign: { subject: 'single' },
    because: 'its keeper gave the drop up before Postgres was stopped',
  },

  // Promotion: the one-way door
  {
    id: 'promotion.order',
    about: 'follower',
    subject: { converged: ['prepare_promotion'], health: 'healthy' },
    leader: { goal: ['draining', 'demote_timeout', 'demoted'] },
    guards: ['mayBePromoted', 'leaderIsOut'],
    assign: {
      subject: 'wait_primary',
      leader: 'demoted',
      followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
    },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'it has every acknowledged commit and the old primary is out',
  },
  {
    id: 'promotion.orderForMaintenance',
    about: 'follower',
    subject: { converged: ['prepare_promotion'], health: 'healthy' },
    leader: { goal: ['prepare_maintenance'] },
    guards: ['mayBePromoted', 'leaderIsOut'],
    assign: {
      subject: 'wait_primary',
      leader: 'maintenance',
      followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
    },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'it has every acknowledged commit and the old primary is out, for its maintenance',
  },
  {
    id: 'promotion.orderAfterDrop',
    about: 'follower',
    subject: { converged: ['prepare_promotion'], health: 'healthy' },
    leader: { goal: ['dropped'] },
    guards: ['mayBePromoted', 'leaderIsOut'],
    assign: {
      subject: 'wait_primary',
      followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
    },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'it has every acknowledged commit and the primary was dropped',
  },
  {
    id: 'promotion.orderWithoutLeader',
    about: 'follower',
    subject: { converged: ['prepare_promotion'], health: 'healthy' },
    leader: 'absent',
    guards: ['allHavePromised', 'mayBePromoted', 'nobodyTakesWrites'],
    assign: {
      subject: 'wait_primary',
      followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
    },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'an operator gave the primary up',
  },

  // Handover from a leader that stopped on our order
  {
    id: 'handover.leave',
    about: 'leader',
    subject: { reported: WRITABLE, goal: WRITABLE },
    guards: ['leaderLeaves', 'someFollower', 'mayFailOver'],
    assign: { subject: 'draining' },
    effects: ['beginSwitchover'],
    because: 'its keeper was told to stop',
  },
  {
    id: 'handover.resume',
    about: 'leader',
    subject: { reported: ['primary', 'apply_settings'], goal: HANDING_OVER },
    // Who has promised for the next epoch does not come back in this one.
    noOther: { goal: PROMISING },
    guards: ['abandonedSwitchover', 'leaderStays'],
    assign: { subject: 'primary' },
    effects: ['endSwitchover'],
    because: 'the switchover was given up before Postgres was stopped',
  },
  {
    id: 'handover.stoppedNevertheless',
    about: 'leader',
    // Its keeper may have died between its stop and its word that it is there.
    subject: {
      reported: [...WRITABLE, ...HANDING_OVER],
      goal: ['single', 'wait_primary', 'primary', 'apply_settings'],
    },
    guards: ['leaderHasStopped'],
    assign: { subject: 'draining' },
    because: 'it had stopped before it heard that it should go on',
  },
  {
    id: 'handover.prepare',
    about: 'follower',
    subject: { converged: ['secondary'], health: 'healthy', candidate: true },
    leader: { converged: [...HANDING_OVER, 'dropped'] },
    // One in report_lsn may have come from a maintenance, and keeps nobody from taking over.
    noOther: { goal: ['fast_forward', 'prepare_promotion'], health: 'healthy' },
    guards: ['isSuccessor', 'leaderHasFinalLsn'],
    assign: { subject: 'prepare_promotion' },
    because: 'the primary has stopped and reported its final LSN',
  },
  {
    id: 'handover.prepareReturned',
    about: 'follower',
    // It was on its way when the primary left, and nobody is left to tell it that it is close.
    subject: {
      reported: ['catchingup', 'join_secondary'],
      goal: RUNNING_STANDBY,
      health: 'healthy',
      candidate: true,
    },
    leader: { converged: [...HANDING_OVER, 'dropped'] },
    guards: ['noSuccessor', 'hasFinalLsn'],
    assign: { subject: 'prepare_promotion' },
    because: 'it has everything that the primary had when it stopped',
  },

  // Election after a leader that went down by itself
  {
    id: 'election.beginOnly',
    about: 'follower',
    subject: { reported: RUNNING_STANDBY, goal: RUNNING_STANDBY, health: 'healthy', candidate: true },
    leader: {
      reported: [...WRITABLE, 'prepare_promotion'],
      goal: ['wait_primary', 'join_primary', 'primary', 'apply_settings', ...HANDING_OVER],
    },
    guards: ['onlyFollower', 'mayFailOver', 'leaderSeemsDown', 'electionCanSucceed'],
    assign: { subject: 'prepare_promotion', leader: 'draining' },
    effects: ['endSwitchover'],
    because: 'the primary seems to be down',
  },
  {
    id: 'election.beginOnlyAfterDrop',
    about: 'follower',
    subject: { reported: RUNNING_STANDBY, goal: RUNNING_STANDBY, health: 'healthy', candidate: true },
    leader: { goal: ['dropped'] },
    guards: ['onlyFollower', 'leaderSeemsDown', 'electionCanSucceed'],
    assign: { subject: 'prepare_promotion' },
    because: 'the primary that is being dropped seems to be down',
  },
  {
    id: 'election.stoppedUncleanly',
    about: 'follower',
    subject: { reported: RUNNING_STANDBY, goal: RUNNING_STANDBY, health: 'healthy' },
    leader: { converged: [...HANDING_OVER, 'dropped'] },
    guards: ['onlyFollower', 'stopCallsForElection'],
    assign: { subject: 'prepare_promotion' },
    because: 'the primary has stopped without a checkpoint',
  },
  {
    id: 'election.stoppedUncleanlySeveral',
    about: 'follower',
    subject: { reported: RUNNING_STANDBY, goal: RUNNING_STANDBY, health: 'healthy' },
    leader: { converged: [...HANDING_OVER, 'dropped'] },
    guards: ['severalFollowers', 'stopCallsForElection'],
    assign: { subject: 'report_lsn' },
    because: 'the primary has stopped, and nobody is known to have all that it had',
  },
  {
    id: 'election.successorFallsShort',
    about: 'follower',
    subject: { converged: ['prepare_promotion'], health: 'healthy' },
    leader: { converged: [...HANDING_OVER, 'dropped'] },
    guards: ['severalFollowers', 'stopCallsForElection', 'othersMayHaveMore'],
    assign: { subject: 'report_lsn' },
    because: 'it lacks what the primary had when it stopped, and another node may have that',
  },
  {
    id: 'election.successorFallsShortWithoutLeader',
    about: 'follower',
    subject: { converged: ['prepare_promotion'], health: 'healthy' },
    leader: 'absent',
    guards: ['othersMayHaveMore'],
    assign: { subject: 'report_lsn' },
    because: 'it lacks what another node has, and an operator gave the primary up',
  },
  {
    id: 'election.begin',
    about: 'follower',
    subject: { reported: RUNNING_STANDBY, goal: RUNNING_STANDBY, health: 'healthy' },
    leader: {
      reported: [...WRITABLE, 'prepare_promotion'],
      goal: ['wait_primary', 'join_primary', 'primary', 'apply_settings', ...HANDING_OVER],
    },
    guards: ['severalFollowers', 'mayFailOver', 'leaderSeemsDown', 'electionCanSucceed'],
    assign: { subject: 'report_lsn', leader: 'draining' },
    effects: ['endSwitchover'],
    because: 'the primary seems to be down',
  },
  {
    id: 'election.goOn',
    about: 'follower',
    // A monitor that comes from a backup has forgotten whom it had asked.
    subject: {
      reported: [...RUNNING_STANDBY, ...PROMISING],
      goal: [...RUNNING_STANDBY, ...PROMISING],
      health: 'healthy',
    },
    leader: { reported: WRITABLE, goal: WRITABLE },
    guards: ['mayFailOver', 'hasPromisedForNext'],
    assign: { subject: 'report_lsn', leader: 'draining' },
    because: 'it has promised for the next epoch, and follows nobody in this one',
  },
  {
    id: 'election.reopeningLostOnly',
    about: 'follower',
    subject: { reported: RUNNING_STANDBY, goal: RUNNING_STANDBY, health: 'healthy', candidate: true },
    leader: { reported: HANDING_OVER, goal: ['wait_primary', ...HANDING_OVER] },
    guards: ['onlyFollower', 'mayFailOver', 'reopeningLeaderIsDown', 'electionCanSucceed'],
    assign: { subject: 'prepare_promotion', leader: 'draining' },
    effects: ['endSwitchover'],
    because: 'the primary went down before it opened again',
  },
  {
    id: 'election.reopeningLost',
    about: 'follower',
    subject: { reported: RUNNING_STANDBY, goal: RUNNING_STANDBY, health: 'healthy' },
    leader: { reported: HANDING_OVER, goal: ['wait_primary', ...HANDING_OVER] },
    guards: ['severalFollowers', 'mayFailOver', 'reopeningLeaderIsDown', 'electionCanSucceed'],
    assign: { subject: 'report_lsn', leader: 'draining' },
    effects: ['endSwitchover'],
    because: 'the primary went down before it opened again',
  },
  {
    id: 'election.beginAfterDrop',
    about: 'follower',
    subject: { reported: RUNNING_STANDBY, goal: RUNNING_STANDBY, health: 'healthy' },
    leader: { goal: ['dropped'] },
    guards: ['severalFollowers', 'leaderSeemsDown', 'electionCanSucceed'],
    assign: { subject: 'report_lsn' },
    because: 'the primary that is being dropped seems to be down',
  },
  {
    id: 'election.beginWithoutLeader',
    about: 'follower',
    // The one that was given up may have been followed by nobody yet.
    subject: { reported: [...RUNNING_STANDBY, ...PROMISING], goal: RUNNING_STANDBY, health: 'healthy' },
    leader: 'absent',
    guards: ['severalFollowers', 'nobodyTakesWrites'],
    assign: { subject: 'report_lsn' },
    because: 'an operator gave the primary up',
  },
  {
    id: 'maintenance.endWithoutLeader',
    about: 'follower',
    subject: { reported: ['maintenance'], goal: ['catchingup'] },
    leader: 'absent',
    guards: ['nobodyTakesWrites'],
    assign: { subject: 'report_lsn' },
    because: 'an operator gave up the primary that it was to follow',
  },
  {
    id: 'election.withoutLeader',
    about: 'follower',
    subject: {
      reported: [...RUNNING_STANDBY, ...PROMISING],
      goal: RUNNING_STANDBY,
      health: 'healthy',
      candidate: true,
    },
    leader: 'absent',
    noOther: { goal: ['prepare_promotion', 'report_lsn', 'wait_primary', 'single', 'primary'] },
    guards: ['onlyFollower'],
    assign: { subject: 'prepare_promotion' },
    because: 'an operator gave the primary up',
  },

  // Of the nodes that promised, one is chosen
  {
    id: 'election.candidateLost',
    about: 'follower',
    subject: { goal: ['fast_forward', 'prepare_promotion'] },
    leader: { goal: [...HANDING_OVER, 'dropped'] },
    guards: ['anotherCanBeChosen'],
    assign: { subject: 'report_lsn' },
    because: 'it was chosen and cannot go on, and another node can',
  },
  {
    id: 'election.candidateLostWithoutLeader',
    about: 'follower',
    subject: { goal: ['fast_forward', 'prepare_promotion'] },
    leader: 'absent',
    guards: ['anotherCanBeChosen'],
    assign: { subject: 'report_lsn' },
    because: 'it was chosen and cannot go on, and another node can',
  },
  {
    id: 'election.sourceLost',
    about: 'follower',
    subject: { reported: ['report_lsn'], goal: ['fast_forward'] },
    guards: ['sourceIsLost'],
    assign: { subject: 'report_lsn' },
    because: 'nothing comes from the node that it was to receive from',
  },
  {
    id: 'election.choose',
    about: 'follower',
    subject: { converged: ['report_lsn'], health: 'healthy', candidate: true },
    leader: { goal: [...HANDING_OVER, 'dropped'] },
    noOther: { goal: ['fast_forward', 'prepare_promotion'] },
    guards: ['isChosen', 'lacksNothing', 'leaderIsOut'],
    assign: { subject: 'prepare_promotion' },
    because: 'it is the best of the nodes that may be promoted, and lacks nothing',
  },
  {
    id: 'election.fastForward',
    about: 'follower',
    subject: { converged: ['report_lsn'], health: 'healthy', candidate: true },
    leader: { goal: [...HANDING_OVER, 'dropped'] },
    noOther: { goal: ['fast_forward', 'prepare_promotion'] },
    guards: ['isChosen', 'leaderIsOut'],
    assign: { subject: 'fast_forward' },
    effects: ['chooseSource'],
    because: 'it is the best of the nodes that may be promoted, and another one has more WAL',
  },
  {
    id: 'election.chooseWithoutLeader',
    about: 'follower',
    subject: { converged: ['report_lsn'], health: 'healthy', candidate: true },
    leader: 'absent',
    noOther: { goal: ['fast_forward', 'prepare_promotion', ...WRITABLE] },
    guards: ['allHavePromised', 'isChosen', 'lacksNothing'],
    assign: { subject: 'prepare_promotion' },
    because: 'it is the best of the nodes that may be promoted, and lacks nothing',
  },
  {
    id: 'election.fastForwardWithoutLeader',
    about: 'follower',
    subject: { converged: ['report_lsn'], health: 'healthy', candidate: true },
    leader: 'absent',
    noOther: { goal: ['fast_forward', 'prepare_promotion', ...WRITABLE] },
    guards: ['allHavePromised', 'isChosen'],
    assign: { subject: 'fast_forward' },
    effects: ['chooseSource'],
    because: 'it is the best of the nodes that may be promoted, and another one has more WAL',
  },
  {
    id: 'election.forwarded',
    about: 'follower',
    subject: { converged: ['fast_forward'] },
    guards: ['mayBePromoted'],
    assign: { subject: 'prepare_promotion' },
    because: 'it has received what it lacked',
  },
  {
    id: 'election.again',
    about: 'follower',
    subject: { converged: ['fast_forward'] },
    assign: { subject: 'report_lsn' },
    because: 'what it has received is not enough',
  },
  {
    id: 'election.promiseOver',
    about: 'follower',
    subject: { converged: PROMISING, health: 'healthy' },
    leader: { goal: [...HANDING_OVER, 'dropped'] },
    guards: ['promiseIsMissing'],
    assign: { subject: 'join_secondary' },
    because: 'its promise was for an epoch that has begun, and it is to promise anew',
  },
  {
    id: 'leader.reopen',
    about: 'leader',
    // One that was dropped is not let go with the only copy: the operator drops it again when it is not.
    subject: { converged: [...HANDING_OVER, 'dropped'] },
    guards: ['leaderHasStopped', 'nobodyElseTakesOver', 'leaderStays'],
    assign: {
      subject: 'wait_primary',
      followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
    },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'nobody else can take over, and it has every acknowledged commit itself',
  },
  {
    id: 'leader.reopenAhead',
    about: 'leader',
    subject: { converged: [...HANDING_OVER, 'dropped'] },
    guards: ['onlyLeaderHasAll', 'leaderStays'],
    assign: {
      subject: 'wait_primary',
      followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
    },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'it may have commits that nobody else received before it stopped',
  },

  {
    id: 'leader.reopenAbandoned',
    about: 'follower',
    // It may have been about to follow the one that was given up.
    subject: { reported: ['demoted'], goal: ['demoted', 'catchingup'], candidate: true },
    leader: 'absent',
    guards: ['nobodyTakesWrites', 'nobodyIsToBePreferred', 'nobodyIsOnLaterTimeline', 'subjectStays'],
    assign: {
      subject: 'wait_primary',
      followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
    },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'the primary that was given up is back, and nobody has taken over',
  },

  // A group of one
  {
    id: 'single.lastLeader',
    about: 'leader',
    subject: { goal: ['primary', 'wait_primary', 'join_primary', 'apply_settings'] },
    guards: ['noFollower'],
    assign: { subject: 'single' },
    because: 'no other node is left in the group',
  },
  {
    id: 'single.reopen',
    about: 'node',
    subject: { converged: [...HANDING_OVER, 'demote_timeout', 'demoted'] },
    guards: ['alone'],
    assign: { subject: 'single' },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'no other node is left in the group',
  },

  // Standbys on their way
  {
    id: 'leader.firstStandby',
    about: 'leader',
    subject: { converged: ['single'] },
    someOther: { converged: ['wait_standby'] },
    assign: { subject: 'wait_primary' },
    because: 'a standby has joined',
  },
  {
    id: 'standby.copy',
    about: 'follower',
    subject: { converged: ['wait_standby'] },
    leader: { reported: REPLICATES, goal: REPLICATES },
    assign: { subject: 'catchingup' },
    because: 'the primary is ready to be copied',
  },
  {
    id: 'standby.return',
    about: 'follower',
    subject: { converged: ['demoted'] },
    leader: { reported: WRITABLE, goal: WRITABLE, health: 'healthy' },
    assign: { subject: 'catchingup' },
    because: 'the new primary is ready to be followed',
  },
  {
    id: 'standby.promiseOver',
    about: 'follower',
    subject: { converged: PROMISING },
    leader: { reported: WRITABLE, goal: WRITABLE, health: 'healthy' },
    guards: ['promiseIsOver'],
    assign: { subject: 'join_secondary' },
    because: 'the epoch that it promised for was given to another node',
  },
  {
    id: 'standby.parted',
    about: 'follower',
    subject: { converged: ['join_secondary'] },
    guards: ['hasParted'],
    assign: { subject: 'catchingup' },
    because: 'it has WAL that the new primary does not have, which must be taken back',
  },
  {
    id: 'standby.joined',
    about: 'follower',
    subject: { converged: ['join_secondary'], health: 'healthy' },
    leader: { reported: REPLICATES, goal: REPLICATES, health: 'healthy' },
    guards: ['closeToLeader'],
    assign: { subject: 'secondary' },
    because: 'it follows the new primary',
  },
  {
    id: 'standby.joinsLate',
    about: 'follower',
    subject: { converged: ['join_secondary'], health: 'healthy' },
    leader: { reported: REPLICATES, goal: REPLICATES, health: 'healthy' },
    guards: ['joinsTooLong'],
    assign: { subject: 'catchingup' },
    because: 'it does not follow the new primary yet',
  },
  {
    id: 'standby.ready',
    about: 'follower',
    subject: { converged: ['catchingup'], health: 'healthy' },
    leader: { reported: REPLICATES, goal: REPLICATES, health: 'healthy' },
    guards: ['closeToLeader', 'hearsLeader'],
    assign: { subject: 'secondary' },
    because: 'it has caught up',
  },

  // A standby that is taken out of service
  {
    id: 'maintenance.begin',
    about: 'follower',
    subject: { converged: ['wait_maintenance'] },
    leader: { converged: ['wait_primary'] },
    assign: { subject: 'maintenance' },
    because: 'commits no longer wait for it',
  },
  {
    id: 'maintenance.beginBeside',
    about: 'follower',
    subject: { converged: ['wait_maintenance'] },
    guards: ['leaderDoesNotWait'],
    assign: { subject: 'maintenance' },
    because: 'the primary is not on its way to do without it',
  },

  // What commits wait for
  {
    id: 'standby.apart',
    about: 'follower',
    subject: { goal: ['secondary'], health: 'healthy' },
    leader: { goal: ['primary', 'wait_primary', 'apply_settings'], health: 'healthy' },
    guards: ['isApart'],
    assign: { subject: 'catchingup' },
    because: 'nothing of the primary reaches it',
  },
  {
    id: 'leader.wait',
    about: 'leader',
    subject: {
      reported: ['single', 'wait_primary', 'primary', 'apply_settings'],
      goal: ['primary', 'apply_settings'],
      health: 'present',
    },
    guards: ['commitsNeedNotWait'],
    assign: { subject: 'wait_primary' },
    because: 'no standby acknowledges commits, so they must not wait for one',
  },
  {
    id: 'leader.settingsApplied',
    about: 'leader',
    subject: { converged: ['apply_settings'] },
    assign: { subject: 'primary' },
    because: 'it has taken in the new settings',
  },
  {
    id: 'leader.synchronous',
    about: 'leader',
    subject: { converged: ['wait_primary'] },
    someOther: { converged: ['secondary'], health: 'healthy', quorum: true },
    assign: { subject: 'primary' },
    because: 'a standby can acknowledge commits',
  },
  {
    id: 'leader.asynchronous',
    about: 'leader',
    subject: { converged: ['wait_primary'] },
    someOther: { converged: ['secondary'], health: 'healthy' },
    guards: ['noQuorumFollower'],
    assign: { subject: 'primary' },
    because: 'a standby follows, and none takes part in the quorum',
  },
  {
    id: 'standby.lost',
    about: 'follower',
    subject: { goal: ['secondary', 'join_secondary'], health: 'lost' },
    leader: { goal: ['primary', 'wait_primary', 'apply_settings'], health: 'healthy' },
    assign: { subject: 'catchingup' },
    because: 'it is out of reach',
  },
];
