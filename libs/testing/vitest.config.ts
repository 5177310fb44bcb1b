import { vitestFor } from '../../vitest.shared.js';

// Each wait has a deadline of its own, which tells what it waited for.
export default vitestFor('testing', { testTimeout: 60_000, hookTimeout: 60_000 });
