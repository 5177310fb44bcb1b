import { execFile } from 'node:child_process';
import type { Milliseconds } from '@pgaf/core/durations';

/** A socket of another process of this user. */
export interface HeldSocket {
  readonly pid: number;
  readonly fd: number;
  readonly inode: number;
}

/** It takes some milliseconds. */
const GIVEN_UP_AFTER: Milliseconds = 5000;

/**
 * For Perl, which every Debian and every host with Debian's packages of Postgres has: no program of ours can make these
 * system calls. `pidfd_open` and `pidfd_getfd` have the same numbers on all processors; they ask for the right to trace
 * the process, which the same user has unless the host or the container engine takes it away. Its arguments are
 * PID:FD:INODE; a process or socket that is gone, or another one by now, is none to shut.
 */
const SCRIPT = `
use strict;
my ($open, $getfd, $gone) = (434, 438, qr/^(?:3|9|22)$/);
for (@ARGV) {
  my ($pid, $fd, $inode) = map { $_ + 0 } split /:/;
  my $process = syscall($open, $pid, 0);
  if ($process < 0) { next if ($! + 0) =~ $gone; die "pidfd_open: $!\\n" }
  my $copy = syscall($getfd, $process, $fd, 0);
  if ($copy < 0) { next if ($! + 0) =~ $gone; die "pidfd_getfd: $!\\n" }
  open(my $socket, '+<&=', $copy) or die "$!\\n";
  shutdown($socket, 2) if (stat $socket)[1] == $inode;
}
`;

/** Ends TCP connections that other processes hold, as if the other end had; null, or why it could not be done. */
export function shutSockets(sockets: readonly HeldSocket[]): Promise<string | null> {
  if (sockets.length === 0) return Promise.resolve(null);
  const args = sockets.map(({ pid, fd, inode }) => `${pid}:${fd}:${inode}`);
  return new Promise((resolve) => {
    execFile('perl', ['-e', SCRIPT, ...args], { timeout: GIVEN_UP_AFTER }, (error, _stdout, stderr) => {
      resolve(error === null ? null : stderr.trim() || error.message);
    });
  });
}
