import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerEngine, sweepContainers } from './container-engine.js';
import type { ContainerHost } from './container-host.js';
import { ContainerNetwork } from './container-network.js';
import { pgafImage, whyNoContainers } from './container-support.js';
import { until } from './deadline.js';
import { sendSignal } from './end-processes.js';
import { labelsOf } from './owner-labels.js';
import { isAlive } from './process-table.js';

const noContainers = await whyNoContainers();

/** Whether a connection is refused, which takes a packet each way. */
async function reaches(from: ContainerHost, to: ContainerHost): Promise<boolean> {
  const uri = `postgres://nobody@${to.address}/none?connect_timeout=2`;
  const { stderr } = await from.run(['show', 'state', '--monitor', uri]);
  return /refused/i.test(stderr);
}

const PORT = 7007;
const LISTEN = `const s = require('node:dgram').createSocket('udp4'); s.on('message', () => process.exit(0)); s.bind(${PORT});`;
const SAY = `const s = require('node:dgram').createSocket('udp4'); let n = 0;
setInterval(() => (n++ < 30 ? s.send('hello', ${PORT}, process.argv[1]) : process.exit(0)), 50);`;
const isListening = ['grep', '-q', `:${PORT.toString(16).toUpperCase()} `, '/proc/net/udp'];

/** Whether one of many datagrams arrives. */
async function hears(to: ContainerHost, from: ContainerHost): Promise<boolean> {
  const listener = to.machine.exec(['timeout', '60', 'node', '-e', LISTEN]).then(({ exitCode }) => exitCode);
  await until(
    { what: 'a listener', deadlineMs: 30_000 },
    async () => (await to.machine.exec(isListening)).exitCode === 0,
  );
  const said = await from.machine.exec(['node', '-e', SAY, to.address]);
  expect(said.exitCode, said.output).toBe(0);
  for (const { pid, command } of to.processes()) if (command.startsWith('node')) sendSignal(pid, 'SIGTERM');
  return (await listener) === 0;
}

describe.skipIf(noContainers !== null)('hosts that are containers', { timeout: 120_000 }, () => {
  let network: ContainerNetwork;
  let one: ContainerHost;
  let two: ContainerHost;

  beforeAll(async () => {
    network = await ContainerNetwork.make();
    one = await network.addHost('one');
    two = await network.addHost('two');
  }, 120_000);
  afterAll(() => network?.remove(), 60_000);

  it('run commands to their end, with what they print and their exit status', async () => {
    const version = await one.run(['--version']);
    expect(version).toMatchObject({ status: 0, stderr: '' });
    expect(version.stdout).toContain('pgaf');
    expect((await one.run(['no-such-command'])).status).not.toBe(0);
  });

  it('have services with a process, a log and an end, and none is left when everything is killed', async () => {
    const create = ['create', 'monitor', '--auth', 'trust', '--no-ssl', '--hostname', one.address];
    const service = await one.start([...create, '--pgdata', one.pgdata, '--run']);
    expect(isAlive(service.pid)).toBe(true);
    expect(one.processes().map(({ pid }) => pid)).toContain(service.pid);
    await one.killEverything();
    expect(one.processes()).toEqual([]);
    expect(await service.exited).not.toBe(0);
    expect(await one.logTail(10)).toContain('service-1.log');
  });

  it('come back from a power cut with their address and their files', async () => {
    const { address } = one;
    await network.powerCycle('one');
    expect(one.address).toBe(address);
    expect(one.processes()).toEqual([]);
    expect(await one.logTail(10)).toContain('service-1.log');
    expect(await reaches(two, one)).toBe(true);
  });

  it('hear nothing over a line that is cut one way', async () => {
    await network.cutOneWay(one, two);
    expect(await hears(two, one)).toBe(false);
    expect(await hears(one, two)).toBe(true);
    await network.heal();
    expect(await hears(two, one)).toBe(true);
  });

  it('hear nothing of one that is isolated', async () => {
    expect(await reaches(one, two)).toBe(true);
    await network.isolate(two);
    expect(await reaches(one, two)).toBe(false);
    await network.heal();
    expect(await reaches(one, two)).toBe(true);
  });

  it('are still cut off after a power cut, until that is mended', async () => {
    await network.isolate(two);
    await network.powerCycle('two');
    expect(await reaches(one, two)).toBe(false);
    expect(await reaches(two, one)).toBe(false);
    await network.heal();
    expect(await reaches(one, two)).toBe(true);
    expect(await reaches(two, one)).toBe(true);
  });

  it('are swept, with volumes and networks, when their owner is dead, and only then', async () => {
    const { container } = await containerEngine();
    const docker = container.dockerode;
    const { pid } = spawnSync('true');
    const Labels = { ...labelsOf('pgaf-of-the-dead'), 'org.pgaf.owner': String(pid) };
    const volume = `pgaf-of-the-dead-${pid}`;
    await docker.createVolume({ Name: volume, Labels });
    const lost = await docker.createContainer({ Image: pgafImage(), Cmd: ['sleep', '600'], Labels });
    await lost.start();
    await sweepContainers();
    await expect(lost.inspect()).rejects.toThrow(/no such container/i);
    await expect(docker.getVolume(volume).inspect()).rejects.toThrow(/no such volume/i);
    expect(await reaches(one, two)).toBe(true);
  });
});
