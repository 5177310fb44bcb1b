import { describePage } from './page.js';

describePage('tutorial');
