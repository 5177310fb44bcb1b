import { describePage } from './page.js';

describePage('multi-region');
