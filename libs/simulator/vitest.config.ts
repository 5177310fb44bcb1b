import { vitestFor } from '../../vitest.shared.js';

export default vitestFor('simulator', { testTimeout: 60_000 });
