import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Formation } from '@pgaf/testing/formation';
import { checkHistory, longestOutage } from '@pgaf/testing/history';
import { Writer } from '@pgaf/testing/writer';
import { step } from '../../tools/progress.mjs';
import { onPrimary } from './connect-to.js';
import { endWithSignals } from './end-with-signals.js';
import { removeWhenGone } from './remove-when-gone.js';

const { values: options } = parseArgs({ options: { pgctl: { type: 'string' }, reaper: { type: 'string' } } });

function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

function title(text: string): void {
  say(`\n== ${text}`);
}

async function command(formation: Formation, ...words: string[]): Promise<void> {
  say(`$ pgaf ${words.join(' ')}`);
  const result = await formation.onMonitor(words);
  process.stdout.write(result.stdout);
  if (result.status === 0) return;
  throw new Error(`pgaf ${words.join(' ')} ended with status ${result.status}\n${result.stderr}`);
}

async function addCompanies(formation: Formation): Promise<void> {
  await onPrimary(formation, async (client) => {
    await client.query('CREATE TABLE companies (id bigserial PRIMARY KEY, name text NOT NULL)');
    await client.query("INSERT INTO companies (name) SELECT 'company ' || n FROM generate_series(1, 75) n");
  });
}

async function countCompanies(formation: Formation): Promise<number> {
  const { rows } = await onPrimary(formation, (client) =>
    client.query<{ count: string }>('SELECT count(*) FROM companies'),
  );
  return Number(rows[0]?.count);
}

async function switchOver(formation: Formation, writer: Writer): Promise<number> {
  const start = performance.now();
  await command(formation, 'perform', 'switchover');
  await step('the old primary comes back as a standby', () => formation.waitUntilStable());
  await writer.untilWriting(50);
  return longestOutage(writer.history, start - 100).ms;
}

async function killPrimary(formation: Formation, writer: Writer): Promise<number> {
  const primary = await formation.primary();
  const standby = await formation.standby();
  const start = performance.now();
  say(`SIGKILL to every process of ${primary.host.name}`);
  await primary.host.killEverything();
  await step(`${standby.host.name} takes over`, () =>
    formation.waitForState(standby.host.name, 'wait_primary'),
  );
  await writer.untilWriting(50);
  const outage = longestOutage(writer.history, start - 100).ms;
  await command(formation, 'show', 'state');
  say(`$ pgaf run    (on ${primary.host.name})`);
  await formation.restart(primary);
  await step(`${primary.host.name} rejoins`, () => formation.waitUntilStable());
  return outage;
}

async function story(formation: Formation): Promise<boolean> {
  say('A monitor and two Postgres nodes on this machine, in a temporary directory, for half a minute or so.');
  say('Ctrl-C ends it at any time; nothing is left behind.');
  title('A monitor and two nodes');
  await step('create the monitor', () => formation.startMonitor());
  await step('create node_1', () => formation.startNode(1));
  await step('create node_2, a copy of node_1', async () => {
    await formation.startNode(2);
    await formation.waitUntilStable();
  });
  await addCompanies(formation);
  say('a table with 75 rows is there');
  await command(formation, 'show', 'state');

  title('A client that keeps writing');
  const writer = new Writer({ uri: formation.uri, table: 'written_by_demo' });
  await writer.start();
  await pause(500);
  say(`${writer.acknowledged()} rows acknowledged so far`);

  title('A planned switchover');
  const planned = await switchOver(formation, writer);

  title('The primary is killed, and returns');
  const killed = await killPrimary(formation, writer);
  await command(formation, 'show', 'state');

  const history = await writer.stop();
  const verdict = await onPrimary(formation, (client) => checkHistory(client, history, 'written_by_demo'));
  const companies = await countCompanies(formation);

  title('What the client saw');
  say(`outage of the planned switchover  ${planned.toFixed(0).padStart(8)} ms`);
  say(`outage of the killed primary      ${killed.toFixed(0).padStart(8)} ms`);
  say(`rows acknowledged                 ${String(verdict.acknowledged).padStart(8)}`);
  say(`rows lost                         ${String(verdict.lost.length).padStart(8)}`);
  say(`rows of the table of 75           ${String(companies).padStart(8)}`);
  return verdict.lost.length === 0 && verdict.duplicated.length === 0 && companies === 75;
}

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-demo-')));
if (options.reaper) removeWhenGone(directory, options.reaper);
const formation = await Formation.layOut({
  nodes: 2,
  directory,
  ...(options.pgctl ? { pgctl: options.pgctl } : {}),
});

let ending = false;
async function end(status: number): Promise<never> {
  if (!ending) {
    ending = true;
    await formation.dispose();
    process.exit(status);
  }
  return new Promise(() => undefined);
}
endWithSignals(end);

try {
  const isWell = await story(formation);
  await end(isWell ? 0 : 1);
} catch (error) {
  if (!ending) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  await end(1);
}
