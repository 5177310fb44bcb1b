import { vitestWithPostgresFor } from '../../vitest.shared.js';

export default vitestWithPostgresFor('postgres');
