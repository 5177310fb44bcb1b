import { expect, it } from 'vitest';
import { ageText } from './ages.js';

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];

it.each([
  [-500, '1s'],
  [0, '1s'],
  [1999, '1s'],
  [59 * second, '59s'],
  [minute, '1m00s'],
  [12 * minute + 5 * second, '12m05s'],
  [hour - 1, '59m59s'],
  [2 * hour + 3 * minute, '2h03m'],
  [day, '1d00h'],
  [12 * day + 23 * hour, '12d23h'],
])('%i ms are %s', (age, text) => {
  expect(ageText(age)).toBe(text);
});
