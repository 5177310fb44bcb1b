import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';

/** As `nice` counts. */
const FIRST = -10;

/** AuthenticationOk and ReadyForQuery. */
const WELCOME = [0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49];

const SERVER = `
  const welcome = Buffer.from(${JSON.stringify(WELCOME)});
  const server = require('node:net').createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(welcome));
  });
  server.listen(0, '0.0.0.0', 1024, () => process.stdout.write(String(server.address().port)));
  process.stdin.resume().once('close', () => process.exit());
`;

/**
 * Lets everybody log in as Postgres does, on one port of every address of this host: a health check sees a good node
 * at each address of the loopback interface. A process of its own, so that it answers whatever this one does, and before
 * all others where that is allowed: it stands for a thousand other hosts, which are not as busy as this one.
 */
export class SilentPostgres {
  private constructor(
    private readonly process: ChildProcess,
    readonly port: number,
  ) {}

  static async listen(): Promise<SilentPostgres> {
    const child = spawn(process.execPath, ['-e', SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    if (process.getuid?.() === 0 && child.pid !== undefined) setPriority(child.pid, FIRST);
    return new SilentPostgres(child, Number(port.toString()));
  }

  close(): void {
    this.process.kill();
  }
}
