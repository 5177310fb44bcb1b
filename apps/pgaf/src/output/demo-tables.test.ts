import { expect, it } from 'vitest';
import { demoTables } from './demo-tables.js';

const times = { connections: 1434, retries: 5, min: 7.118, max: 1432.228, p95: 50, p99: 72.156 };
const measured = {
  clients: [
    { client: 1, ...times },
    { client: null, ...times },
  ],
  histogram: [
    { min: 7.118, max: 72.156, frequency: 1431 },
    { min: 99.918, max: 99.918, frequency: 1 },
    { min: 355.066, max: 355.066, frequency: 700 },
    { min: 1432.228, max: 1432.228, frequency: 1 },
  ],
};

it('has a row for each client, and a bar for each bucket as long as the output is wide', () => {
  expect(demoTables(measured, 62)).toBe(`\
Client | Connections | Retries | Min Connect Time (ms) |      max |    p95 |    p99
-------+-------------+---------+-----------------------+----------+--------+-------
     1 |        1434 |       5 |                 7.118 | 1432.228 | 50.000 | 72.156
   All |        1434 |       5 |                 7.118 | 1432.228 | 50.000 | 72.156

Min Connect Time (ms) |      max | freq | bar
----------------------+----------+------+---------------------
                7.118 |   72.156 | 1431 | ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
               99.918 |   99.918 |    1 | 
              355.066 |  355.066 |  700 | ▒▒▒▒▒▒▒▒▒▒
             1432.228 | 1432.228 |    1 | 

`);
});

it('has bars on a narrow terminal, and no rows for nothing', () => {
  expect(demoTables(measured, 20)).toMatch(/ \| ▒{10}$/m);
  expect(demoTables({ clients: [], histogram: [] })).toMatch(/\| bar\n[-+]+\n\n$/);
});
