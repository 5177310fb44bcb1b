import { randomUUID } from 'node:crypto';
import { containerEngine } from '@pgaf/testing/container-engine';
import type { MachineContainer } from '@pgaf/testing/machine-container';
import type { Shell } from '../pages/terminal.js';

/** A shell in a container, by the user of its image; its programs see a terminal of the engine's. */
export async function shellIn(
  machine: MachineContainer,
  directory: string,
  env: Readonly<Record<string, string>>,
): Promise<Shell> {
  const { container } = await containerEngine();
  const docker = container.getById(machine.id);
  const pipe = `/tmp/terminal-${randomUUID()}`;
  const made = await machine.exec(['mkfifo', pipe]);
  if (made.exitCode !== 0) throw new Error(`mkfifo in ${machine.name}: ${made.output}`);
  const session = await docker.exec({
    Cmd: ['bash', '--norc', '--noprofile', pipe],
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    WorkingDir: directory,
    Tty: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  const screen = await session.start({ hijack: true, stdin: true, Tty: true });
  const typing = await docker.exec({ Cmd: ['sh', '-c', `cat > ${pipe}`], AttachStdin: true });
  const commands = await typing.start({ hijack: true, stdin: true });
  let hasEnded = false;
  return {
    commands,
    listen(hear) {
      screen.setEncoding('utf8').on('data', hear);
      screen.once('end', () => {
        hasEnded = true;
        hear('');
      });
    },
    hasEnded: () => hasEnded,
    close() {
      commands.destroy();
      screen.destroy();
    },
  };
}
