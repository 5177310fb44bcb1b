import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { EXIT, UserError } from '@pgaf/core/errors';

/**
 * Names the file descriptor of a pipe whose other end the parent holds and never writes to. However the
 * parent ends, the kernel closes its end, and no pid is asked that might be somebody else's by now.
 */
export const PARENT_PIPE_VARIABLE = 'PGAF_DIE_WITH_PARENT';

/** Calls `onParentGone` once the parent's end of the pipe closes; nothing when none was asked for. */
export function watchParent(
  env: Readonly<Record<string, string | undefined>>,
  onParentGone: () => void,
): { readonly stop: () => void } {
  const text = env[PARENT_PIPE_VARIABLE];
  if (text === undefined || text === '') return { stop: () => undefined };
  const fd = Number(text);
  if (!Number.isInteger(fd) || fd < 3 || !(pipes.has(fd) || isPipe(fd))) {
    throw new UserError(`${PARENT_PIPE_VARIABLE}=${text} is not the file descriptor of a pipe.`, {
      code: 'bad-parent-pipe',
      exit: EXIT.badArguments,
      hint: 'Give the number of the descriptor, 3 or higher, that the service inherits the read end at.',
    });
  }
  const pipe = pipes.get(fd) ?? new ParentPipe(fd);
  pipes.set(fd, pipe);
  return pipe.watch(onParentGone);
}

/** By its descriptor: closed once, it is gone, and a process may watch its parent several times. */
const pipes = new Map<number, ParentPipe>();

class ParentPipe {
  readonly #listeners = new Set<() => void>();
  #isGone = false;

  constructor(fd: number) {
    const stream = new Socket({ fd, readable: true, writable: false });
    stream.unref();
    const gone = (): void => {
      this.#isGone = true;
      for (const listener of this.#listeners) listener();
      this.#listeners.clear();
    };
    stream.on('close', gone).on('error', gone).resume();
  }

  watch(listener: () => void): { readonly stop: () => void } {
    if (this.#isGone) queueMicrotask(listener);
    else this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }
}

function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
