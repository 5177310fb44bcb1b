import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from './deadline.js';
import { Network, type Place } from './network.js';
import { entering, runTool, sweepNamespaces } from './network-namespace.js';
import { whyNoDelay, whyNoNetwork } from './network-support.js';
import { isAlive } from './process-table.js';

const noNetwork = await whyNoNetwork();
const noDelay = noNetwork ?? (await whyNoDelay());
if (noNetwork) process.stderr.write(`no network namespaces here: ${noNetwork}\n`);
else if (noDelay) process.stderr.write(`nothing can be delayed here: ${noDelay}\n`);

const DEADLINE_MS = 20_000;
const PORT = 7007;

/** Prints each datagram that arrives, and when; sends a line of its input, `ADDRESS TEXT`. */
const TALKER = `
  const socket = require('node:dgram').createSocket('udp4');
  const lines = require('node:readline').createInterface({ input: process.stdin });
  socket.on('message', (text) => console.log(text + ' ' + Date.now()));
  socket.bind(${PORT}, '0.0.0.0', () => console.log('ready 0'));
  lines.on('line', (line) => socket.send(line.slice(line.indexOf(' ') + 1), ${PORT}, line.split(' ')[0]));
`;

/** A program on a host that sends datagrams and notes those that arrive. */
class Talker {
  private heard = '';

  private constructor(
    readonly address: string,
    private readonly child: ChildProcess,
  ) {
    // It is ended while something is said to it.
    child.stdin?.on('error', () => undefined);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.heard += text));
  }

  static async on(network: Network, name: string): Promise<Talker> {
    const { address, enter } = network.addHost(name);
    const [program = '', ...words] = [...enter, process.execPath, '-e', TALKER];
    const talker = new Talker(address, spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] }));
    await talker.hears('ready');
    return talker;
  }

  /** Goes on until the text has come: datagrams may get lost while neighbours are still looked for. */
  async reaches(other: Talker, text: string): Promise<void> {
    await until({ what: `${text} to arrive`, deadlineMs: DEADLINE_MS }, () => {
      if (other.texts().includes(text)) return true;
      this.say(other, text);
      return false;
    });
  }

  /** Returns when it has left, whether or not it arrives: what comes later from here left later. */
  async sends(other: Place, text: string): Promise<void> {
    this.say(other, text);
    this.say(this, `sent ${text}`);
    await this.hears(`sent ${text}`);
  }

  say(other: Place, text: string): void {
    this.child.stdin?.write(`${other.address} ${text}\n`);
  }

  texts(): string[] {
    return this.lines().map(([text]) => text);
  }

  /** Date.now() of the datagram's arrival. */
  arrivalOf(text: string): number | undefined {
    return this.lines().find(([heard]) => heard === text)?.[1];
  }

  async hears(text: string): Promise<void> {
    const seen = () => this.heard;
    await until({ what: `"${text}"`, deadlineMs: DEADLINE_MS, seen }, () => this.texts().includes(text));
  }

  private lines(): [string, number][] {
    return this.heard
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const end = line.lastIndexOf(' ');
        return [line.slice(0, end), Number(line.slice(end))];
      });
  }
}

function left(): string[] {
  const names = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  return names.filter((name) => name.startsWith(`pgaf-${process.pid}-`));
}

describe.skipIf(noNetwork !== null)('hosts with a network of their own', { timeout: 60_000 }, () => {
  let network: Network;
  let one: Talker;
  let two: Talker;

  beforeEach(async () => {
    network = await Network.make();
    one = await Talker.on(network, 'one');
    two = await Talker.on(network, 'two');
    await one.reaches(two, 'hello');
    await two.reaches(one, 'hello');
  }, 60_000);
  afterEach(() => network.remove(), 60_000);

  it('lose what is sent over a line that is cut one way, and nothing the other way', async () => {
    network.cutOneWay(one, two);
    await one.sends(two, 'into the cut');
    await two.reaches(one, 'against it');
    network.heal();
    await one.reaches(two, 'after it');
    expect(two.texts()).not.toContain('into the cut');
  });

  it('hear nothing of one that is isolated, which hears nothing of them', async () => {
    const three = await Talker.on(network, 'three');
    await three.reaches(two, 'here');
    network.isolate(one);
    await one.sends(two, 'from inside');
    await two.sends(one, 'from outside');
    await three.reaches(two, 'beside it');
    network.heal();
    await one.reaches(two, 'after it');
    await two.reaches(one, 'after it');
    expect(two.texts()).not.toContain('from inside');
    expect(one.texts()).not.toContain('from outside');
  });

  it('lose some of what is sent over a line that loses', async () => {
    network.lose(one, two, 50);
    for (let n = 0; n < 200; n++) one.say(two, `loss ${n}`);
    await one.reaches(two, 'after it');
    const arrived = two.texts().filter((text) => text.startsWith('loss ')).length;
    expect(arrived).toBeGreaterThan(0);
    expect(arrived).toBeLessThan(200);
  });

  it.skipIf(noDelay !== null)('send later what is delayed', async () => {
    network.delay('one', 300);
    const sent = Date.now();
    await one.sends(two, 'late');
    await two.hears('late');
    expect((two.arrivalOf('late') ?? 0) - sent).toBeGreaterThan(250);
  });

  it('are beside others of other networks, and leave nothing behind', async () => {
    const second = await Network.make();
    const other = await Talker.on(second, 'one');
    expect(other.address).not.toBe(one.address);
    await second.remove();
    await network.remove();
    expect(left()).toEqual([]);
    expect(runTool(['ip', '-o', 'address'])).not.toContain(`${network.test.address}/`);
  });

  it('are swept with what runs on them when their owner is dead', async () => {
    const { pid } = spawnSync('true');
    const namespace = `pgaf-${pid}-0-lost`;
    runTool(['ip', 'netns', 'add', namespace]);
    const [program = '', ...words] = [...entering(namespace), 'sleep', '600'];
    const sleeper = spawn(program, words, { stdio: 'ignore' });
    const ended = once(sleeper, 'exit');
    await until({ what: 'the sleeper in its namespace', deadlineMs: DEADLINE_MS }, () =>
      runTool(['ip', 'netns', 'pids', namespace]).includes(String(sleeper.pid)),
    );
    await sweepNamespaces();
    await ended;
    expect(isAlive(sleeper.pid ?? 0)).toBe(false);
    expect(readdirSync('/run/netns')).not.toContain(namespace);
    await one.reaches(two, 'those of the living stay');
  });
});
