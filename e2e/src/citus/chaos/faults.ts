import { sendSignal } from '@pgaf/testing/end-processes';
import type { Member } from '@pgaf/testing/formation';
import { backendPid, postmasterPid } from '../../crash/node-processes.js';
import type { KeepRunning } from '../../keep-running.js';

/** Something that happens to a node, or to the monitor, and how it passes. */
export interface Fault {
  readonly name: string;
  /** Returns what undoes it; null where it passes by itself, or there is nothing that it could strike. */
  readonly strike: (member: Member, services: KeepRunning) => Promise<Undo | null>;
}

export type Undo = () => void;

function killed(name: string, find: (member: Member) => number | null | undefined): Fault {
  return {
    name,
    strike: async (member) => {
      const pid = find(member);
      if (pid) sendSignal(pid, 'SIGKILL');
      return null;
    },
  };
}

function frozen(name: string, find: (member: Member) => readonly number[]): Fault {
  return {
    name,
    strike: async (member) => {
      const pids = find(member);
      for (const pid of pids) sendSignal(pid, 'SIGSTOP');
      return () => {
        for (const pid of pids) sendSignal(pid, 'SIGCONT');
      };
    },
  };
}

const serviceOf = ({ service }: Member): number | undefined => service?.pid;
const pidsOf = ({ host }: Member): number[] => host.processes().map(({ pid }) => pid);
const postgresOf = ({ host }: Member): number[] =>
  host
    .processes()
    .filter(({ program }) => program === 'postgres')
    .map(({ pid }) => pid);

/** Of a node as of the monitor. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'every process killed',
    strike: async (member, services) => {
      await services.takeDown(member);
      return () => services.bringUp(member);
    },
  },
  killed('service killed', serviceOf),
  killed('postmaster killed', postmasterPid),
  killed('backend killed', backendPid),
  frozen('every process frozen', pidsOf),
  frozen('service frozen', (member) => [serviceOf(member) ?? []].flat()),
  frozen('Postgres frozen', postgresOf),
];
