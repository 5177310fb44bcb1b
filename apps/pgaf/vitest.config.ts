import { vitestFor } from '../../vitest.shared.js';

// Each wait has a deadline of its own, which tells what it waited for. Two files at a time: commands and servers are
// waited for, and each file has its own.
export default vitestFor('pgaf', { maxWorkers: 2, testTimeout: 60_000, hookTimeout: 60_000 });
