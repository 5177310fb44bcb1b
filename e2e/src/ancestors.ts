import { readFileSync } from 'node:fs';

interface Ancestor {
  readonly pid: number;
  /** Clock ticks since boot at its start: tells it from a later process with the same pid. */
  readonly startedAt: string;
}

function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

function isNpm(pid: number): boolean {
  try {
    return /\bnpm\b/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}

/** Our parents up to npm, which runs us through a shell that would outlive it; the parent alone without npm. */
function ancestorsToWatch(): Ancestor[] {
  const chain: Ancestor[] = [];
  for (let pid = process.ppid; pid > 1 && chain.length < 4;) {
    const stat = statOf(pid);
    if (!stat) break;
    chain.push({ pid, startedAt: stat[19] ?? '' });
    if (isNpm(pid)) return chain;
    pid = Number(stat[1]);
  }
  return chain.slice(0, 1);
}

/** Calls back once when one of them is gone, however it ended. */
export function onParentGone(callback: () => void): void {
  const chain = ancestorsToWatch();
  const timer = setInterval(() => {
    const isLiving = ({ pid, startedAt }: Ancestor) => {
      const stat = statOf(pid);
      return stat !== null && stat[19] === startedAt && stat[0] !== 'Z';
    };
    if (chain.every(isLiving)) return;
    clearInterval(timer);
    callback();
  }, 100);
  timer.unref();
}
