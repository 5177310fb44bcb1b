import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { socketsTo } from './held-sockets.js';
import { shutSockets } from './shut-sockets.js';

/** Connects, and waits for an answer that never comes, or for the end. */
const CLIENT = `
const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1', () => console.log('connected'));
socket.on('end', () => console.log('ended'));
socket.resume();`;

describe('connections of other processes', () => {
  let server: Server;
  let client: ChildProcess;
  let place: { host: string; port: number };
  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }, () => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    place = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    client = spawn(process.execPath, ['-e', CLIENT, String(place.port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(await says()).toBe('connected');
  });
  afterEach(() => {
    client.kill('SIGKILL');
    server.close();
  });

  const says = async (): Promise<string> => {
    const [chunk] = (await once(client.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
    return chunk.toString().trim();
  };
  const clientsOf = (...pids: number[]) => socketsTo([place], () => Promise.resolve(pids));
  const pid = () => client.pid ?? 0;

  it('are found by where they lead, and ended', async () => {
    const sockets = await clientsOf(process.pid, pid());
    expect(sockets.map((socket) => socket.pid)).toEqual([pid()]);
    const ended = says();
    expect(await shutSockets(sockets)).toBeNull();
    expect(await ended).toBe('ended');
    expect(await clientsOf(pid())).toEqual([]);
  });

  it('are left alone when they lead elsewhere, or are another one by now', async () => {
    expect(await socketsTo([{ ...place, port: 1 }], () => Promise.resolve([pid()]))).toEqual([]);
    const [socket] = await clientsOf(pid());
    if (!socket) throw new Error('there is no connection');
    const others = [
      { ...socket, inode: socket.inode + 1 },
      { ...socket, fd: 999 },
      { ...socket, pid: 2 ** 22 + 1 },
    ];
    expect(await shutSockets(others)).toBeNull();
    expect(await clientsOf(pid())).toEqual([socket]);
  });

  it('are not ended where that cannot be, which is said', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nonexistent';
    try {
      expect(await shutSockets(await clientsOf(pid()))).toContain('perl');
    } finally {
      process.env['PATH'] = path;
    }
    expect(await clientsOf(pid())).toHaveLength(1);
  });
});
