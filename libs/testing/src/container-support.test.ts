import { expect, it } from 'vitest';
import { pgafImage, unlessRequired } from './container-support.js';

const REASON = 'the engine has no image pgaf:15: npm run images makes it';

it('skips tests in containers by the reason against them', () => {
  expect(unlessRequired(REASON, {})).toBe(REASON);
  expect(unlessRequired(REASON, { PGAF_REQUIRE_CONTAINERS: '0' })).toBe(REASON);
  expect(unlessRequired(null, { PGAF_REQUIRE_CONTAINERS: '1' })).toBeNull();
});

it('lets them fail by that reason where they are required', () => {
  expect(() => unlessRequired(REASON, { PGAF_REQUIRE_CONTAINERS: '1' })).toThrow(
    `PGAF_REQUIRE_CONTAINERS=1, and ${REASON}`,
  );
});

it('takes the image that is named for them', () => {
  expect(pgafImage({ PGAF_IMAGE: 'pgaf:test-1-a' })).toBe('pgaf:test-1-a');
  expect(pgafImage({})).toBe('pgaf:15');
});
