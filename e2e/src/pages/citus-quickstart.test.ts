import { it } from 'vitest';
import { citusVersion } from '../citus/real-citus.js';
import { describePage } from './page.js';

if ((await citusVersion()) === null) it.skip('docs/citus-quickstart.md is typed where Citus is', () => {});
else describePage('citus-quickstart');
