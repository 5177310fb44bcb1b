import { describePage } from './page.js';

describePage('three-nodes');
