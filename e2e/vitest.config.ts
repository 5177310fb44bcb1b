import { vitestFor } from '../vitest.shared.js';

// One scenario at a time: each brings its own servers, and some measure time.
export default vitestFor('e2e', { fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 });
