import { vitestFor } from '../vitest.shared.js';

export default vitestFor('bench-tests');
