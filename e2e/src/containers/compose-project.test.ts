import { expect, it } from 'vitest';
import { labelling } from './compose-project.js';

it('labels everything that a Compose project makes', () => {
  const labels = { 'org.pgaf.run': 'pgaf-1' };
  expect(JSON.parse(labelling(['monitor', 'app'], ['data'], labels))).toEqual({
    services: { monitor: { labels }, app: { labels } },
    volumes: { data: { labels } },
    networks: { default: { labels } },
  });
});
