import { vitestFor } from '../../vitest.shared.js';

export default vitestFor('plugin-citus');
