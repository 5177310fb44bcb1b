import type { Policy, WatchColumn } from './column-policy.js';
import type { WatchedEvent } from './picture.js';
import { printable } from './styled-line.js';

type Column = WatchColumn<WatchedEvent>;

/** More of a description than that is no reason to leave another column out: descriptions can be scrolled. */
const DESCRIPTION_MOST = 50;

const ID: Column = { title: 'Id', text: ({ id }) => String(id) };
const TIME: Column = { title: 'Event Time', text: ({ at }) => timeText(new Date(at)), least: 19 };
const NAME: Column = { title: 'Name', text: ({ name }) => printable(name) };
const RULE: Column = { title: 'Rule', text: ({ rule }) => rule ?? '' };
const DESCRIPTION: Column = {
  title: 'Description',
  text: ({ description }) => printable(description),
  most: DESCRIPTION_MOST,
};

/** From the narrowest to the fullest. */
export const EVENT_POLICIES: readonly Policy<WatchedEvent>[] = [
  [ID, DESCRIPTION],
  [TIME, DESCRIPTION],
  [ID, TIME, DESCRIPTION],
  [ID, TIME, NAME, RULE, DESCRIPTION],
];

/** `YYYY-MM-DD HH:MM:SS` of this host's time zone. */
function timeText(at: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  return `${day} ${clockText(at)}`;
}

/** `HH:MM:SS` of this host's time zone. */
export function clockText(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
