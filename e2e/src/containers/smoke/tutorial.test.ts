import { whyNoContainers } from '@pgaf/testing/container-support';
import { describe, it } from 'vitest';
import { describePage } from '../../pages/page.js';
import { PlaceInContainers } from '../place-in-containers.js';

const noContainers = await whyNoContainers();

if (noContainers) describe('docs/tutorial.md in containers', () => it.skip('is typed where containers are'));
else describePage('tutorial', { at: PlaceInContainers.find, title: 'docs/tutorial.md in containers' });
