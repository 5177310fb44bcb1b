import { vitestFor } from '../../vitest.shared.js';

// Some go over every group that there can be, which takes seconds of a processor that others use as well.
export default vitestFor('fsm', { testTimeout: 60_000 });
