import { hostAndPort } from '@pgaf/core/host-and-port';
import { connectionOf, isState } from '@pgaf/core/states';
import { ageText } from './ages.js';
import type { Policy, WatchColumn } from './column-policy.js';
import type { Picture, WatchedNode } from './picture.js';
import { printable, type Style } from './styled-line.js';

type Column = WatchColumn<WatchedNode>;

/** A report that old is shown in reverse. */
const OLD_REPORT_MS = 10_000;
const AGE_WIDTH = 7;

const BOLD: ReadonlySet<string> = new Set(['demoted', 'demote_timeout', 'draining', 'report_lsn']);
const FAINT: ReadonlySet<string> = new Set([
  'maintenance',
  'prepare_maintenance',
  'wait_maintenance',
  'wait_standby',
  'dropped',
]);

function stylesOfState(state: string): readonly Style[] {
  if (BOLD.has(state)) return ['bold'];
  return FAINT.has(state) ? ['dim', 'underline'] : [];
}

const NAME: Column = { title: 'Name', text: ({ name }) => printable(name) };
const ID: Column = { title: 'Id', text: ({ id }) => String(id) };
const REGION: Column = { title: 'Region', text: ({ region }) => printable(region) };
const QUORUM: Column = { title: 'Quorum', text: ({ quorum }) => (quorum ? 'yes' : 'no') };
const PRIORITY: Column = { title: 'Priority', text: ({ priority }) => String(priority) };
const HOST_PORT: Column = {
  title: 'Host:Port',
  text: ({ host, port }) => hostAndPort(printable(host), port),
};
const TLI_LSN: Column = {
  title: 'TLI: LSN',
  text: ({ tli, lsn }) => `${String(tli).padStart(3)}: ${lsn}`,
};
const CONNECTION: Column = {
  title: 'Connection',
  text: ({ reported }) => (isState(reported) ? connectionOf(reported) : 'none'),
  styles: ({ health }) => (health === 1 ? [] : ['reverse', 'bold']),
};
const REPORTED: Column = {
  title: 'Reported State',
  text: ({ reported }) => reported,
  styles: ({ reported }) => stylesOfState(reported),
};
const ASSIGNED: Column = {
  title: 'Assigned State',
  text: ({ assigned }) => assigned,
  styles: ({ assigned }) => stylesOfState(assigned),
};

const check = (title: string): Column => ({
  title,
  text: ({ checkAge }) => ageText(checkAge),
  least: AGE_WIDTH,
});
const report = (title: string): Column => ({
  title,
  text: ({ reportAge }) => ageText(reportAge),
  least: AGE_WIDTH,
  styles: ({ reportAge }) => (reportAge > OLD_REPORT_MS ? ['reverse'] : []),
});

/** From the narrowest to the fullest. */
export function nodePolicies(nodeLabel: Picture['nodeLabel']): readonly Policy<WatchedNode>[] {
  const node: Column = { title: 'Node', text: ({ group, id }) => nodeLabel(group, id) };
  const [lastCheck, lastReport] = [check('Last Check'), report('Last Report')];
  const [age, checked] = [report('Report'), check('Check')];
  const who = [NAME, node, REGION, QUORUM, PRIORITY];
  const policies: readonly Policy<WatchedNode>[] = [
    [ID],
    [NAME, age],
    [NAME, ID, age],
    [NAME, CONNECTION, age],
    [NAME, ID, CONNECTION, lastReport],
    [NAME, ID, checked, CONNECTION, age],
    [...who, checked, CONNECTION, age],
    [...who, TLI_LSN, checked, CONNECTION, age],
    [...who, HOST_PORT, TLI_LSN, checked, CONNECTION, lastReport],
    [...who, HOST_PORT, TLI_LSN, lastCheck, CONNECTION, lastReport],
  ];
  return policies.map((columns) => [...columns, REPORTED, ASSIGNED]);
}
