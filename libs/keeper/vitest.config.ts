import { vitestWithPostgresFor } from '../../vitest.shared.js';

export default vitestWithPostgresFor('keeper', { testTimeout: 180_000 });
