/**
 * The closed vocabulary of what a keeper can do on the way from one state to another. A step is idempotent:
 * cut off anywhere and run again, or run twice, it ends in the same place. The keeper runs it with effects,
 * the simulator on its model.
 */
export type Step =
  /** Create the data directory when there is none. */
  | { readonly do: 'initdb' }
  /** Fill the data directory with a copy of the leader's, taken through this node's slot. */
  | { readonly do: 'copyFromLeader' }
  /** Bring a data directory that may have diverged onto the leader's lineage: rewind, or else copy anew. */
  | { readonly do: 'rewindOrCopy' }
  /** Settings and hba of ours, for any role. */
  | { readonly do: 'writeSettings' }
  /** Leave standby mode at the next start. Never on a node that has not been ordered or was first. */
  | { readonly do: 'writePrimaryConfig' }
  /** Standby mode from the next start on, streaming from the leader. */
  | { readonly do: 'writeStandbyConfig' }
  /** Stream from the leader, by reload. */
  | { readonly do: 'followLeader' }
  | { readonly do: 'startPostgres' }
  | { readonly do: 'stopPostgres' }
  /** Write out dirty buffers while clients still write, so that the stop that follows is short. */
  | { readonly do: 'checkpoint' }
  /** Give the switchover up, before anything stops, unless its target streams close behind. */
  | { readonly do: 'verifyTarget' }
  /** Give the drop of a primary up, before anything stops, unless somebody who may take over streams close behind. */
  | { readonly do: 'verifySuccessor' }
  /** Persist that Postgres will not be started below the next epoch, with the final LSN of a clean stop. */
  | { readonly do: 'recordStop' }
  /** Roles, database and extensions. */
  | { readonly do: 'createRoles' }
  /** A slot for each other node, none for nodes that are gone. */
  | { readonly do: 'maintainSlots' }
  /** Put the assigned setting into force. */
  | { readonly do: 'setSyncStandbys' }
  /** Wait until the assigned setting is proved to be in force. */
  | { readonly do: 'confirmSyncStandbys' }
  /** Promise for the next epoch: persist it, empty primary_conninfo by reload, see no walreceiver, measure. */
  | { readonly do: 'promise' }
  /** Receive, from the node that the monitor named, what it has and this one lacks. It has promised, too. */
  | { readonly do: 'fastForward' }
  /** Leave recovery on a new timeline; nothing when it has left it already for this epoch. */
  | { readonly do: 'promote' }
  /** Wait until this standby is on the leader's timeline and streams. */
  | { readonly do: 'awaitStreaming' }
  /** A step that the plugin of this kind brings in its keeper part. */
  | { readonly do: 'plugin'; readonly kind: string; readonly step: string };

export type StepName = Step['do'];
