import type { Member } from '@pgaf/testing/formation';
import { backendPid, postmasterPid, watchdogPid } from './node-processes.js';
import type { Operation } from './operations.js';
import type { Stage } from './stage.js';

/** A process that is killed at a moment of a node. */
export interface Victim {
  readonly name: string;
  /** Null while there is none. Of the node that the moment is about, else of the other one. */
  readonly pid: (stage: Stage, about: Member) => number | null;
  /**
   * More than one where it comes back, so that the matrix ends within its time; spread over the operation, so
   * that each has an end of its own.
   */
  readonly faultsPerRun: number;
  /** True when at a moment of the operation there may rightly be none. */
  readonly mayBeAbsent: (operation: Operation) => boolean;
  /** Whether there is such a process during the operation at all. */
  readonly takesPartIn: (operation: Operation) => boolean;
}

const always = (): boolean => true;
const never = (): boolean => false;
const whenAlone = ({ alone }: Operation): boolean => alone === 'yes';

function ofEither(find: (node: Member) => number | null): Victim['pid'] {
  return (stage, about) => {
    const others = stage.presentNodes().filter((node) => node !== about);
    for (const node of [about, ...others]) {
      const pid = find(node);
      if (pid !== null) return pid;
    }
    return null;
  };
}

export const VICTIMS: readonly Victim[] = [
  {
    name: 'keeper',
    pid: ofEither((node) => node.service?.pid ?? null),
    mayBeAbsent: never,
    faultsPerRun: 3,
    takesPartIn: always,
  },
  {
    name: 'postmaster',
    pid: ofEither(postmasterPid),
    mayBeAbsent: whenAlone,
    faultsPerRun: 3,
    takesPartIn: always,
  },
  {
    name: 'backend',
    pid: ofEither(backendPid),
    mayBeAbsent: whenAlone,
    faultsPerRun: 3,
    takesPartIn: always,
  },
  {
    name: 'watchdog',
    pid: ofEither(watchdogPid),
    // A primary whose commits wait for nobody has none.
    mayBeAbsent: always,
    faultsPerRun: 1,
    // Without a primary and its standby from the beginning, one is there only if it is left from an operation before.
    takesPartIn: ({ from, to }) => from === 'two' && to !== 'lost',
  },
  {
    name: 'monitor service',
    pid: ({ formation }) => formation.monitor.service?.pid ?? null,
    mayBeAbsent: never,
    faultsPerRun: 3,
    takesPartIn: always,
  },
  {
    name: 'monitor Postgres',
    pid: ({ formation }) => postmasterPid(formation.monitor),
    mayBeAbsent: never,
    faultsPerRun: 3,
    takesPartIn: always,
  },
  {
    name: 'command',
    pid: ({ command }) => command?.pid ?? null,
    faultsPerRun: 1,
    mayBeAbsent: never,
    takesPartIn: ({ command }) => command === 'yes',
  },
];
